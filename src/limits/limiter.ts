import type { ConcreteLimitConfig, NamedKey } from './limit-config.ts'
import type { Limit } from './limit.ts'
import type { PeerId } from '@libp2p/interface'

/**
 * Answers which limit a scope has. It is asked whenever a scope is created, so
 * that limits can be computed instead of listed.
 */
export interface Limiter {
  getSystemLimits(): Limit
  getTransientLimits(): Limit
  getAllowlistedSystemLimits(): Limit
  getAllowlistedTransientLimits(): Limit
  getServiceLimits(service: string): Limit
  getServicePeerLimits(service: string): Limit
  getProtocolLimits(protocol: string): Limit
  getProtocolPeerLimits(protocol: string): Limit
  getPeerLimits(peer: PeerId): Limit
  getStreamLimits(peer: PeerId): Limit
  getConnLimits(): Limit
}

function named (config: ConcreteLimitConfig, kind: NamedKey, name: string): Limit {
  // names come from users and remote peers: `constructor` is not an entry
  return Object.hasOwn(config[kind], name) ? config[kind][name] : config[`${kind}Default`]
}

/**
 * Reads the limits from a list
 */
export class ConcreteLimiter implements Limiter {
  readonly config: ConcreteLimitConfig

  constructor (config: ConcreteLimitConfig) {
    this.config = config
  }

  getSystemLimits (): Limit {
    return this.config.system
  }

  getTransientLimits (): Limit {
    return this.config.transient
  }

  getAllowlistedSystemLimits (): Limit {
    return this.config.allowlistedSystem
  }

  getAllowlistedTransientLimits (): Limit {
    return this.config.allowlistedTransient
  }

  getServiceLimits (service: string): Limit {
    return named(this.config, 'service', service)
  }

  getServicePeerLimits (service: string): Limit {
    return named(this.config, 'servicePeer', service)
  }

  getProtocolLimits (protocol: string): Limit {
    return named(this.config, 'protocol', protocol)
  }

  getProtocolPeerLimits (protocol: string): Limit {
    return named(this.config, 'protocolPeer', protocol)
  }

  getPeerLimits (peer: PeerId): Limit {
    return named(this.config, 'peer', peer.toString())
  }

  getStreamLimits (): Limit {
    return this.config.stream
  }

  getConnLimits (): Limit {
    return this.config.conn
  }
}
