import type { NamedRequester } from './requester.ts'
import type { ConcreteLimitConfig } from '../limits/limit-config.ts'
import type { Limit } from '../limits/limit.ts'

/**
 * What happened. The types are go-libp2p's, which has no sessions and no bans, and in which
 * nothing gives way.
 */
export type TraceEventType =
  'start' |
  'create_scope' |
  'destroy_scope' |
  'reserve_memory' |
  'block_reserve_memory' |
  'release_memory' |
  'add_stream' |
  'block_add_stream' |
  'remove_stream' |
  'add_conn' |
  'block_add_conn' |
  'remove_conn' |
  'add_session' |
  'remove_session' |
  'evict' |
  'ban' |
  'lift'

/**
 * Which scope it was, in parts
 */
export interface TraceScope {
  /**
   * `system`, `transient`, `allowlistedSystem`, `allowlistedTransient`, `service`,
   * `service-peer`, `protocol`, `protocol-peer`, `peer`, `conn` or `stream`, and
   * `session` for a session. Other limits are no scopes: refusals by one of them have
   * `subnet` or `rate`, `collector`, or `process`, `transient` for the share of one
   * remote, and `ban` for somebody who is banned.
   */
  class: string

  /** The name of a service */
  service?: string

  /** A protocol */
  protocol?: string

  /** A peer id */
  peer?: string

  /** The number of a connection, also of the one that a stream is opened on */
  conn?: string

  /** The number of a stream */
  stream?: string

  /** The id of the collector that a session is in */
  collector?: string

  /** The id of a session, which for a stream of a node is the name of its scope */
  session?: string

  /** The reference of a session, such as the protocol */
  reference?: string

  /** The location of a session, such as the address of the remote, or the network of a ban */
  location?: string

  /**
   * For a span, its numbers from the owner down: `1`, or `1.span-2` for a span of a
   * span. The other parts are those of the scope that it is a span of.
   */
  span?: string
}

/**
 * One change of one scope. What does not apply to the type of event is 0.
 */
export interface TraceEvent {
  /** In ms since 1970 */
  time: number

  /** What happened */
  type: TraceEventType

  /** Not set for `start` */
  scope?: TraceScope

  /**
   * The name of the scope, which is unique among those that exist. For a session,
   * `collector:` and the id of its collector. Not set for `start`.
   */
  name?: string

  /**
   * For `start` the configuration, where there is one, and for `create_scope` the
   * limit of the scope
   */
  limit?: ConcreteLimitConfig | Readonly<Limit>

  /**
   * The name of the scope for which something was counted or refused here, if it is another one
   */
  of?: string

  /**
   * For a refusal to join a peer, protocol or service: which one
   */
  joining?: string

  /**
   * For memory in the buffers of a connection or stream, which nobody asked for
   */
  buffered?: true

  /**
   * For `evict` the name of the scope that was full. What gave way is in `scope` and
   * `name`. It is destroyed before, or not at all where limits are not enforced.
   */
  full?: string

  /** Who was refused, as far as that is known. Only set for `block_…`. */
  requester?: NamedRequester

  /** The priority of a reservation of memory, from 0 to 255 */
  priority: number

  /**
   * How many bytes of memory or, where it is about connections, file descriptors
   * were added. Less than 0 where they were released.
   */
  delta: number

  /**
   * How many inbound streams or connections were added, less than 0 where they were
   * removed. When a session ends, the bytes that it has received.
   */
  deltaIn: number

  /** The same for outbound ones, and the bytes that a session has sent */
  deltaOut: number

  // what the scope holds now, of the kind that the event is about

  /** Memory that the scope holds now, in bytes */
  memory: number

  /** How many inbound streams the scope holds now */
  streamsIn: number

  /** How many outbound streams the scope holds now */
  streamsOut: number

  /** How many inbound connections the scope holds now */
  connsIn: number

  /** How many outbound connections the scope holds now */
  connsOut: number

  /** How many file descriptors the scope holds now */
  fd: number
}

/**
 * Is told of every change of the graph of scopes, and of sessions that begin and end, as it
 * happens
 */
export interface TraceReporter {
  /**
   * Is called in the middle of the operation that it is about, so it must be quick and
   * must not call the resource manager. One that throws is not called again.
   */
  consumeEvent(event: TraceEvent): void

  /**
   * The resource manager stops: write everything that was consumed. More events may follow.
   */
  stop?(): void | Promise<void>
}
