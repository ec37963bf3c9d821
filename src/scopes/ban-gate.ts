import type { Eviction } from './evictions.ts'
import type { Refusal } from './refusal.ts'
import type { MessageStreamDirection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Knows who is banned, and is told what may lead to a ban
 */
export interface BanGate {
  /**
   * Why a connection must not be opened, if so. Counts nothing.
   */
  find(direction: MessageStreamDirection, address?: Multiaddr): Refusal | undefined

  /**
   * Why a connection must not have a peer, if so. Counts nothing.
   */
  findPeer(direction: MessageStreamDirection, peer: PeerId, address?: Multiaddr): Refusal | undefined

  refused(refusal: Refusal): void
  evicted(eviction: Eviction): void
}
