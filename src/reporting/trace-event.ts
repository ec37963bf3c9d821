import type { ConcreteLimitConfig } from '../limits/limit-config.ts'
import type { Limit } from '../limits/limit.ts'

/**
 * What happened. The types are go-libp2p's.
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
  'remove_conn'

/**
 * Which scope it was, in parts
 */
export interface TraceScope {
  /**
   * `system`, `transient`, `allowlistedSystem`, `allowlistedTransient`, `service`,
   * `service-peer`, `protocol`, `protocol-peer`, `peer`, `conn` or `stream`. Limits by
   * address and of rates are no scopes: refusals by one of them have `subnet` or `rate`.
   */
  class: string
  service?: string
  protocol?: string
  peer?: string

  /** The number of a connection */
  conn?: string

  /** The number of a stream */
  stream?: string

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
  type: TraceEventType

  /** Not set for `start` */
  scope?: TraceScope

  /**
   * The name of the scope, which is unique among those that exist. Not set for
   * `start`.
   */
  name?: string

  /**
   * For `start` the configuration, where there is one, and for `create_scope` the
   * limit of the scope
   */
  limit?: ConcreteLimitConfig | Readonly<Limit>

  /** The priority of a reservation of memory, from 0 to 255 */
  priority: number

  /**
   * How many bytes of memory or, where it is about connections, file descriptors
   * were added. Less than 0 where they were released.
   */
  delta: number

  /**
   * How many inbound streams or connections were added, less than 0 where they were
   * removed
   */
  deltaIn: number

  /** The same for those that are outbound */
  deltaOut: number

  // what the scope holds now, of the kind that the event is about

  memory: number
  streamsIn: number
  streamsOut: number
  connsIn: number
  connsOut: number
  fd: number
}

/**
 * Is told of everything that changes in the graph of scopes, as it happens
 */
export interface TraceReporter {
  /**
   * Is called in the middle of the operation that it is about, so it must be quick and
   * must not call the resource manager. One that throws is not called again.
   */
  consumeEvent(event: TraceEvent): void

  /**
   * The resource manager is being stopped: what was consumed should be put in a safe
   * place. More events may follow.
   */
  stop?(): void | Promise<void>
}
