import type { ConnectionScope } from '../scopes/resource-scope.ts'
import type { MessageStreamDirection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

export interface ConnectionRequest {
  resource: 'connection'
  direction: MessageStreamDirection

  /**
   * Whether it would use a file descriptor
   *
   * @default false
   */
  usefd?: boolean

  /**
   * The address of the other end. Without one the limits of subnets and rates and the
   * allowlist have no say, as for relayed connections.
   */
  address?: Multiaddr | string
  peer?: PeerId
  service?: string
}

export interface StreamRequest {
  resource: 'stream'
  direction: MessageStreamDirection
  peer?: PeerId

  /**
   * The connection that it would be opened on, if that makes a difference because the
   * address of the connection is allowlisted
   */
  connection?: ConnectionScope
  protocol?: string

  /**
   * @default the service of the protocol, where this is a node that knows one
   */
  service?: string
}

export interface MemoryRequest {
  resource: 'memory'

  /** In bytes */
  size: number

  /**
   * From 0 to 255, as in `reserveMemory`
   *
   * @default 255
   */
  priority?: number
  peer?: PeerId
  protocol?: string
  service?: string
}

/**
 * Something that could be reserved
 */
export type ReservationRequest = ConnectionRequest | StreamRequest | MemoryRequest
