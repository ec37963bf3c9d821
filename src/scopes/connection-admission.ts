import type { ConnectionNode } from './connection-node.ts'
import type { AnyRefusal } from './refusal.ts'
import type { PeerId } from '@libp2p/interface'

/**
 * What the admission remembers an address by. The graph only keeps it.
 */
export type CountedAddress = object

/**
 * What is decided about connections by their address. The graph knows nothing of
 * addresses, it only says what becomes of its connections.
 */
export interface ConnectionAdmission {
  /**
   * Whether a connection that was opened under the allowlisted pair may stay
   * there now that its peer is known
   */
  staysAllowlisted(peer: PeerId, connection: ConnectionNode): boolean

  /**
   * The connection moves from the allowlisted pair to the normal one unless this
   * answers why it must not
   *
   * @param connection
   * @param peer - the id of its peer
   */
  leaveAllowlist(connection: ConnectionNode, peer: string): AnyRefusal | undefined

  /**
   * The connection has been closed
   */
  leave(connection: ConnectionNode): void
}
