import type { ScopeKind } from './scope-kind.ts'
import type { Limit } from '../limits/limit.ts'
import type { Limiter } from '../limits/limiter.ts'
import type { PeerId } from '@libp2p/interface'

/**
 * What the limit of a scope depends on
 */
export interface Limited {
  readonly kind: ScopeKind

  /**
   * The service or protocol, or the peer as a string
   */
  readonly key: string

  /**
   * Set for the scope of a peer
   */
  readonly peer?: PeerId

  /**
   * For a share, its protocol or service
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
