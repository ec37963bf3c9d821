import type { MessageStreamDirection } from '@libp2p/interface'

/**
 * Who is told of what is admitted and refused, in the terms of go-libp2p's
 * `MetricsReporter`. Every method may be left out. They are called in the middle of changes,
 * so they must be quick, and one that throws ends the reporting, which is logged.
 *
 * Peers are the texts of their ids. If limits are not enforced, a request that would have been
 * refused is reported as refused, and then as admitted.
 */
export interface MetricsReporter {
  /**
   * A connection was opened
   *
   * @param direction
   * @param usefd - whether it uses a file descriptor
   */
  allowConn?(direction: MessageStreamDirection, usefd: boolean): void

  /**
   * A connection was refused before its peer was known
   *
   * @param direction
   * @param usefd - whether it would have used a file descriptor; `false` where it was refused
   * before anybody knew
   */
  blockConn?(direction: MessageStreamDirection, usefd: boolean): void

  /** A stream was opened */
  allowStream?(peer: string, direction: MessageStreamDirection): void

  /** A stream was refused before its protocol was known */
  blockStream?(peer: string, direction: MessageStreamDirection): void

  /** A connection became one of a peer */
  allowPeer?(peer: string): void

  /** A connection was refused when its peer was known */
  blockPeer?(peer: string): void

  /** A stream became one of a protocol */
  allowProtocol?(protocol: string): void

  /** A stream was refused when its protocol was known, by anything but the share of its peer */
  blockProtocol?(protocol: string): void

  /** A stream was refused because of what its peer has of the protocol */
  blockProtocolPeer?(protocol: string, peer: string): void

  /** A stream or connection became one of a service */
  allowService?(service: string): void

  /** A stream or connection was refused when its service was known, by anything but the share of its peer */
  blockService?(service: string): void

  /** A stream or connection was refused because of what its peer has of the service */
  blockServicePeer?(service: string, peer: string): void

  /**
   * Memory was reserved
   *
   * @param size - in bytes
   */
  allowMemory?(size: number): void

  /**
   * Memory was refused
   *
   * @param size - in bytes
   */
  blockMemory?(size: number): void
}

/**
 * The methods there are
 */
export const METRICS_METHODS = [
  'allowConn', 'blockConn', 'allowStream', 'blockStream', 'allowPeer', 'blockPeer', 'allowProtocol', 'blockProtocol', 'blockProtocolPeer',
  'allowService', 'blockService', 'blockServicePeer', 'allowMemory', 'blockMemory'
] as const satisfies ReadonlyArray<keyof MetricsReporter>
