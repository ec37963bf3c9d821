import type { CountedAddress, DefaultConnectionScope } from './connection-scope.ts'
import type { Refusal } from './refusal.ts'
import type { PairGate } from './scope-pair.ts'
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * What is decided about connections by their address. The graph knows nothing of
 * addresses, it only says what becomes of its connections.
 */
export interface ConnectionAdmission extends PairGate {
  /**
   * The system is full, but the peer of a connection may be one that is trusted wherever it
   * is
   *
   * @param refused - the connection for which there is no room
   * @param cost - its base cost, in bytes
   * @returns The one to open instead, which has to prove who it is, if there may be one
   */
  prove(refused: DefaultConnectionScope, cost: number): DefaultConnectionScope | undefined

  /**
   * Whether a peer is trusted wherever it is
   */
  trusts(peer: PeerId): boolean

  /**
   * Whether a connection with an address may be in the allowlisted system, now that its peer is
   * known
   */
  staysAllowlisted(peer: PeerId, connection: { readonly endpoint?: Multiaddr }): boolean

  /**
   * Whether many hosts have an address, or one of those beside it
   */
  isShared(address: CountedAddress): boolean

  /**
   * Why there may not be one more of those, if so
   */
  findProvers(): Refusal | undefined

  /**
   * The connection has been closed
   */
  leave(connection: DefaultConnectionScope): void
}
