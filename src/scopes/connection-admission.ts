import type { CountedAddress, DefaultConnectionScope } from './connection-scope.ts'
import type { Refusal } from './refusal.ts'
import type { PairGate } from './scope-pair.ts'
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Decides about connections by their address, of which the graph itself knows nothing
 */
export interface ConnectionAdmission extends PairGate {
  /**
   * Asked when the system is full, but the peer of a connection may turn out to be trusted
   *
   * @param refused - the connection for which the system has no room
   * @param cost - its base cost, in bytes
   * @returns The connection to open in its place, in the `proving` pair, if it may be opened
   */
  prove(refused: DefaultConnectionScope, cost: number): DefaultConnectionScope | undefined

  /**
   * Whether a peer is trusted at any address
   */
  trusts(peer: PeerId): boolean

  /**
   * Whether a connection may stay in the allowlisted system, now that its peer is known
   */
  staysAllowlisted(peer: PeerId, connection: { readonly endpoint?: Multiaddr }): boolean

  /**
   * Whether an address is in a network that the configuration names: many hosts may share that
   */
  isShared(address: CountedAddress): boolean

  /**
   * Why there may not be one more inbound connection in the `proving` pair, if so
   */
  findProvers(): Refusal | undefined

  /**
   * Called when the connection has been closed
   */
  leave(connection: DefaultConnectionScope): void
}
