import type { ConcreteLimitConfig } from './limit-config.ts'

/**
 * Whether peers, and their shares of protocols and services, have the same limits in both
 */
export function isSameForPeers (a: ConcreteLimitConfig, b: ConcreteLimitConfig): boolean {
  return textOf(a) === textOf(b)
}

function textOf ({ peer, peerDefault, protocolPeer, protocolPeerDefault, servicePeer, servicePeerDefault }: ConcreteLimitConfig): string {
  // no limit is null: unlimited is Infinity, which is written as null
  return JSON.stringify([peer, peerDefault, protocolPeer, protocolPeerDefault, servicePeer, servicePeerDefault])
}
