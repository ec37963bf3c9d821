import type { ConnectionScope } from '../scopes/resource-scope.ts'
import type { MessageStreamDirection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * A connection that could be opened
 */
export interface ConnectionRequest {
  /** What is asked for */
  resource: 'connection'

  /** Who would open it: `'inbound'` for the remote */
  direction: MessageStreamDirection

  /**
   * Whether it would use a file descriptor
   *
   * @default false
   */
  usefd?: boolean

  /**
   * The address of the other end. Without one, limits of subnets, rates and the allowlist do
   * not apply, as for relayed connections.
   */
  address?: Multiaddr | string

  /** Whose it would be. Without one, only what happens before the handshake is asked. */
  peer?: PeerId

  /** The service that it would belong to */
  service?: string
}

/**
 * A stream that could be opened
 */
export interface StreamRequest {
  /** What is asked for */
  resource: 'stream'

  /** Who would open it: `'inbound'` for the remote */
  direction: MessageStreamDirection

  /** Whose it would be */
  peer?: PeerId

  /**
   * The connection that it would be opened on, if that makes a difference because the
   * address of the connection is allowlisted
   */
  connection?: ConnectionScope

  /** Its protocol. Without one, only what happens before the negotiation is asked. */
  protocol?: string

  /**
   * The service that it would join
   *
   * @default the service of the protocol, on a node that knows one
   */
  service?: string
}

/**
 * Memory that could be reserved
 */
export interface MemoryRequest {
  /** What is asked for */
  resource: 'memory'

  /** In bytes */
  size: number

  /**
   * From 0 to 255, as in `reserveMemory`
   *
   * @default 255
   */
  priority?: number

  /** The peer that it would be reserved for */
  peer?: PeerId

  /** The protocol that it would be reserved for */
  protocol?: string

  /** The service that it would be reserved for */
  service?: string
}

/**
 * Something that could be reserved
 */
export type ReservationRequest = ConnectionRequest | StreamRequest | MemoryRequest
