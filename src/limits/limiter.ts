import type { ConcreteLimitConfig } from './limit-config.ts'
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

function named (entries: Record<string, Limit>, name: string, otherwise: Limit): Limit {
  // names come from users and remote peers: `constructor` is not an entry
  return Object.hasOwn(entries, name) ? entries[name] : otherwise
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
    return named(this.config.service, service, this.config.serviceDefault)
  }

  getServicePeerLimits (service: string): Limit {
    return named(this.config.servicePeer, service, this.config.servicePeerDefault)
  }

  getProtocolLimits (protocol: string): Limit {
    return named(this.config.protocol, protocol, this.config.protocolDefault)
  }

  getProtocolPeerLimits (protocol: string): Limit {
    return named(this.config.protocolPeer, protocol, this.config.protocolPeerDefault)
  }

  getPeerLimits (peer: PeerId): Limit {
    return named(this.config.peer, peer.toString(), this.config.peerDefault)
  }

  getStreamLimits (): Limit {
    return this.config.stream
  }

  getConnLimits (): Limit {
    return this.config.conn
  }
}
