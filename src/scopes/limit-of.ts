import type { ScopeKind } from './scope-kind.ts'
import type { Limit } from '../limits/limit.ts'
import type { Limiter } from '../limits/limiter.ts'
import type { PeerId } from '@libp2p/interface'

/**
 * A scope that adds up what others hold, as far as its limit depends on it
 */
export interface Limited {
  readonly kind: ScopeKind

  /**
   * The service or protocol, or the peer as a string
   */
  readonly key: string

  /**
   * Where it is one of a peer
   */
  readonly peer?: PeerId

  /**
   * Where it is the share that a peer has of a protocol or service
   */
  readonly whole?: { readonly key: string }
}

/**
 * The limit that a limiter has for a scope
 */
export function limitOf (limiter: Limiter, { whole, key, kind, peer }: Limited): Readonly<Limit> {
  const name = whole?.key ?? key

  switch (kind) {
    case 'system':
      return limiter.getSystemLimits()
    case 'transient':
      return limiter.getTransientLimits()
    case 'allowlistedSystem':
      return limiter.getAllowlistedSystemLimits()
    case 'allowlistedTransient':
      return limiter.getAllowlistedTransientLimits()
    case 'service':
      return limiter.getServiceLimits(name)
    case 'servicePeer':
      return limiter.getServicePeerLimits(name)
    case 'protocol':
      return limiter.getProtocolLimits(name)
    case 'protocolPeer':
      return limiter.getProtocolPeerLimits(name)
    default:
      // only peers are left
      return limiter.getPeerLimits(peer as PeerId)
  }
}
