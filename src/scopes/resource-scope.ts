import type { Limit, ResourceLimits } from '../limits/limit.ts'
import type { MessageStreamDirection, PeerId } from '@libp2p/interface'

/**
 * What a scope holds
 */
export interface ScopeStat {
  /** Reserved memory, in bytes */
  memory: number

  /** How many open streams remote peers have opened */
  numStreamsInbound: number

  /** How many open streams this node has opened */
  numStreamsOutbound: number

  /** How many open connections remote peers have opened */
  numConnsInbound: number

  /** How many open connections this node has opened */
  numConnsOutbound: number

  /** How many file descriptors these connections have */
  numFD: number
}

/**
 * A scope of the graph: it counts what is held in it and refuses what exceeds its limit
 */
export interface ResourceScope {
  /**
   * The name that error messages use: `system`, `transient`, `service:S`,
   * `service:S.peer:P`, `protocol:X`, `protocol:X.peer:P`, `peer:P`, `conn-N`,
   * `stream-N`, or `OWNER.span-N`
   */
  readonly name: string

  /**
   * The limit of this scope
   */
  readonly limit: Readonly<Limit>

  /**
   * Reserves memory in this scope and in every scope above it, or in none of them. Call it before
   * you allocate the memory.
   *
   * An unlimited scope refuses nothing, and counts exactly up to 2^53-1 bytes.
   *
   * @param size - A whole number of bytes
   * @param priority - From 0 to 255: the reservation may fill
   * `(1 + priority) / 256` of a limit, see `MEMORY_PRIORITY_LOW` and its
   * siblings. Default: `MEMORY_PRIORITY_ALWAYS`
   * @throws {MemoryLimitExceededError} If it does not fit
   * @throws {ResourceScopeClosedError} If the scope has been closed
   * @throws {InvalidParametersError} If the size or priority is invalid
   */
  reserveMemory(size: number, priority?: number): void

  /**
   * Releases memory that was reserved in this scope. Releasing more than it holds is a mistake of
   * the caller: it logs a warning and releases what the scope holds. A closed scope ignores the
   * call.
   *
   * @param size - A whole number of bytes
   * @throws {InvalidParametersError} If the size is invalid
   */
  releaseMemory(size: number): void

  /**
   * What the scope holds now
   */
  stat(): ScopeStat

  /**
   * Opens a temporary child, a span. Closing it releases what it still holds.
   *
   * ```ts
   * using span = scope.beginSpan()
   * span.reserveMemory(1024)
   * ```
   *
   * @throws {ResourceScopeClosedError} If the scope has been closed
   */
  beginSpan(): ResourceScopeSpan
}

/**
 * A scope whose limit can be changed
 */
export interface ResourceScopeLimiter {
  /**
   * Changes the limit of this scope only. What the scope holds stays, even if it exceeds the new
   * limit.
   *
   * A service, protocol or peer scope with a limit of its own is kept while it is idle, so that
   * the limit is not forgotten.
   *
   * @param limits - Fields that are left out or `'default'` keep their value
   * @throws {InvalidParametersError} If a limit cannot have one of the values
   */
  setLimit(limits: ResourceLimits): void
}

/**
 * A scope that its owner has to close
 */
export interface ResourceScopeSpan extends ResourceScope, ResourceScopeLimiter {
  /**
   * Releases everything that is still reserved in this scope. Its spans keep what they hold, and
   * the scope stays open.
   */
  release(): void

  /**
   * Releases everything that the scope still holds, and closes it. A second call does nothing.
   */
  done(): void

  /**
   * The same as {@link ResourceScopeSpan.done | done}, for `using`
   */
  [Symbol.dispose](): void
}

/**
 * Everything that is held for one peer
 */
export interface PeerScope extends ResourceScope, ResourceScopeLimiter {
  /** The peer */
  readonly peer: PeerId
}

/**
 * All streams of one protocol
 */
export interface ProtocolScope extends ResourceScope, ResourceScopeLimiter {
  /** The protocol, without the prefix `protocol:` of the scope's name */
  readonly protocol: string
}

/**
 * Everything that one service holds
 */
export interface ServiceScope extends ResourceScope, ResourceScopeLimiter {
  /** The name of the service, without the prefix `service:` of the scope's name */
  readonly service: string
}

/**
 * A scope for what a service holds itself, such as tables, queues, and the connections and streams
 * that the manager does not see
 */
export interface OwnedServiceScope extends ResourceScopeSpan {
  /** The scope of the service. It also counts everything that this one holds. */
  readonly serviceScope: ServiceScope

  /**
   * Accounts for a stream that the manager does not see
   *
   * @throws {StreamLimitExceededError} If it does not fit
   * @throws {ResourceScopeClosedError} If the scope has been closed
   * @throws {InvalidParametersError} If the direction is unknown
   */
  reserveStream(direction: MessageStreamDirection): void

  /**
   * Releases a stream that was reserved by `reserveStream`. Without one, it logs a warning and
   * changes nothing. A closed scope ignores the call.
   *
   * @throws {InvalidParametersError} If the direction is unknown
   */
  releaseStream(direction: MessageStreamDirection): void

  /**
   * Accounts for a connection that the manager does not see
   *
   * @param direction
   * @param usefd - Whether the connection uses a file descriptor. Default: `false`
   * @throws {ConnectionLimitExceededError} If it does not fit
   * @throws {ResourceScopeClosedError} If the scope has been closed
   * @throws {InvalidParametersError} If the direction is unknown
   */
  reserveConnection(direction: MessageStreamDirection, usefd?: boolean): void

  /**
   * Releases a connection that was reserved by `reserveConnection`. Without one, it logs a warning
   * and changes nothing. A closed scope ignores the call.
   *
   * @param direction
   * @param usefd - The same as for `reserveConnection`. Default: `false`
   * @throws {InvalidParametersError} If the direction is unknown
   */
  releaseConnection(direction: MessageStreamDirection, usefd?: boolean): void
}

/**
 * One connection, as its users see it. It is counted in `transient` until its peer is known.
 */
export interface ConnectionScope extends ResourceScope {
  /**
   * Whether it is counted in the allowlisted pair: `allowlistedSystem` and `allowlistedTransient`
   */
  readonly allowlisted: boolean

  /**
   * The scope of the peer, once that is known
   */
  readonly peerScope?: PeerScope | undefined

  /**
   * The scope of the service, once {@link ConnectionScope.setService | setService}
   * was called
   */
  readonly serviceScope?: ServiceScope | undefined

  /**
   * Counts the connection in a service as well
   *
   * @throws {ResourceLimitExceededError} If it does not fit into the service. Nothing has changed
   * then.
   * @throws {ResourceScopeStateError} If it belongs to a service already or has no
   * peer yet
   * @throws {ResourceScopeClosedError} If the scope has been closed
   * @throws {InvalidParametersError} If the name is empty
   */
  setService(service: string): void
}

/**
 * One connection, as the owner sees it who opens and closes its scope
 */
export interface ConnectionManagementScope extends ConnectionScope, ResourceScopeSpan {
  /**
   * Moves the connection, with everything that it holds, from `transient` to its peer
   *
   * @throws {ResourceLimitExceededError} If it does not fit into the scope of the peer. Nothing has
   * changed then.
   * @throws {ResourceScopeStateError} If it has a peer already
   * @throws {ResourceScopeClosedError} If the scope has been closed
   * @throws {InvalidParametersError} If the peer is not a `PeerId`
   */
  setPeer(peer: PeerId): void
}

/**
 * One stream, as its users see it. It is counted in `transient` until its protocol is known.
 */
export interface StreamScope extends ResourceScope {
  /**
   * Whether it is counted in the allowlisted pair: `allowlistedSystem` and `allowlistedTransient`
   */
  readonly allowlisted: boolean

  /**
   * The scope of the peer. It is `undefined` only if no manager observes the stream.
   */
  readonly peerScope?: PeerScope | undefined

  /**
   * The scope of the protocol, once that is known
   */
  readonly protocolScope?: ProtocolScope | undefined

  /**
   * The scope of the service, once {@link StreamScope.setService | setService} was
   * called
   */
  readonly serviceScope?: ServiceScope | undefined

  /**
   * Counts the stream in a service as well. If the protocol of the stream has a service, naming
   * that service does nothing.
   *
   * @throws {ResourceLimitExceededError} If it does not fit into the service. Nothing has changed
   * then.
   * @throws {ResourceScopeStateError} If it belongs to a service already or has no
   * protocol yet
   * @throws {ResourceScopeClosedError} If the scope has been closed
   * @throws {InvalidParametersError} If the name is empty
   */
  setService(service: string): void
}

/**
 * One stream, as the owner sees it who opens and closes its scope
 */
export interface StreamManagementScope extends StreamScope, ResourceScopeSpan {
  /**
   * Moves the stream, with everything that it holds, from `transient` to its protocol
   *
   * @throws {ResourceLimitExceededError} If it does not fit into the scope of the protocol. Nothing
   * has changed then.
   * @throws {ResourceScopeStateError} If it has a protocol already
   * @throws {ResourceScopeClosedError} If the scope has been closed
   * @throws {InvalidParametersError} If the name is empty
   */
  setProtocol(protocol: string): void
}
