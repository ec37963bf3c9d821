import type { Eviction } from './evictions.ts'
import type { Refusal } from './refusal.ts'
import type { MessageStreamDirection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Knows who is banned, and is told what somebody may be banned for
 */
export interface BanGate {
  /**
   * Why a connection must not be opened, if so. Nothing is counted.
   */
  find(direction: MessageStreamDirection, address?: Multiaddr): Refusal | undefined

  /**
   * Why there must be no connection with a peer, if so. Nothing is counted.
   */
  findPeer(direction: MessageStreamDirection, peer: PeerId, address?: Multiaddr): Refusal | undefined

  /**
   * Something was refused
   */
  refused(refusal: Refusal): void

  /**
   * Something has given way to others
   */
  evicted(eviction: Eviction): void
}
