import type { ConnectionNode } from './connection-node.ts'
import type { AnyRefusal, Refusal } from './refusal.ts'
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
   * The system is full, but the peer of a connection may be one that is trusted wherever it
   * is
   *
   * @param refused - the connection for which there is no room
   * @param weight - what it weighs in itself, in bytes
   * @returns The one to open instead, which has to prove who it is, if there may be one
   */
  prove(refused: ConnectionNode, weight: number): ConnectionNode | undefined

  /**
   * Why there may not be one more of those, if so
   */
  findProvers(): Refusal | undefined

  /**
   * Whether a connection that was opened under the allowlisted system may stay
   * there now that its peer is known
   */
  staysAllowlisted(peer: PeerId, connection: ConnectionNode): boolean

  /**
   * The connection is in the allowlisted pair now, because of its peer
   */
  enterAllowlist(connection: ConnectionNode): void

  /**
   * The connection moves from the allowlisted system to the normal one unless this
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
