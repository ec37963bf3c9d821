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
 * A scope of the graph: it accounts for what is held below it and refuses what does not fit
 * into its limit
 */
export interface ResourceScope {
  /**
   * The name that error messages use: `system`, `transient`, `service:S`,
   * `service:S.peer:P`, `protocol:X`, `protocol:X.peer:P`, `peer:P`, `conn-N`,
   * `stream-N`, or `OWNER.span-N`
   */
  readonly name: string

  /**
   * What this scope is checked against
   */
  readonly limit: Readonly<Limit>

  /**
   * Reserves memory here and in every scope above, or nowhere. Call it before
   * the memory is allocated.
   *
   * @param size - A whole number of bytes
   * @param priority - From 0 to 255: the reservation may fill
   * `(1 + priority) / 256` of a limit, see `MEMORY_PRIORITY_LOW` and its
   * siblings. Default: `MEMORY_PRIORITY_ALWAYS`
   * @throws {MemoryLimitExceededError} If it does not fit
   * @throws {ResourceScopeClosedError} If the scope has been closed
   * @throws {InvalidParametersError} If the size or priority is invalid
   *
   * What is unlimited is never refused, and counted exactly up to 2^53-1 bytes
   */
  reserveMemory(size: number, priority?: number): void

  /**
   * Gives back memory that was reserved in this scope. To give back more than it holds is a
   * mistake of the caller: the log has a warning, and what it holds is released. It does
   * nothing in a closed scope.
   *
   * @param size - A whole number of bytes
   * @throws {InvalidParametersError} If the size is invalid
   */
  releaseMemory(size: number): void

  /**
   * What is held now
   */
  stat(): ScopeStat

  /**
   * Opens a temporary child, a span. When it is done, what it still holds is released.
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
   * Changes the limit of this scope, and only of this one. What is held already
   * stays, even where it is more than the new limit allows.
   *
   * A service, protocol or peer scope whose limit was set is kept when it is
   * idle, so that the limit is not forgotten.
   *
   * @param limits - Fields that are left out or `'default'` keep their value
   * @throws {InvalidParametersError} If a value is not one a limit can have
   */
  setLimit(limits: ResourceLimits): void
}

/**
 * A scope that its owner has to close
 */
export interface ResourceScopeSpan extends ResourceScope, ResourceScopeLimiter {
  /**
   * Releases everything that was reserved in this scope and not released yet. Its
   * spans keep what they hold, and the scope stays open.
   */
  release(): void

  /**
   * Releases everything that is still held and closes the scope. Doing it again
   * does nothing.
   */
  done(): void

  /**
   * The same as {@link ResourceScopeSpan.done | done}, for `using`
   */
  [Symbol.dispose](): void
}

/**
 * All that is held for one peer
 */
export interface PeerScope extends ResourceScope, ResourceScopeLimiter {
  /** The peer */
  readonly peer: PeerId
}

/**
 * All streams of one protocol
 */
export interface ProtocolScope extends ResourceScope, ResourceScopeLimiter {
  /** The protocol, without the `protocol:` that the scope's name has */
  readonly protocol: string
}

/**
 * All that is held by one service
 */
export interface ServiceScope extends ResourceScope, ResourceScopeLimiter {
  /**
   * The name of the service, without the `service:` that the scope's name has
   */
  readonly service: string
}

/**
 * A scope under a service for what the service holds itself, such as its tables
 * and queues, and connections and streams that the manager does not see
 */
export interface OwnedServiceScope extends ResourceScopeSpan {
  /** The scope of the service, which counts all that this one holds too */
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
   * Releases a stream that `reserveStream` accounts for. Releasing more than is held logs a
   * warning and changes nothing.
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
   * Releases a connection that `reserveConnection` accounts for. Releasing more than is held
   * logs a warning and changes nothing.
   *
   * @throws {InvalidParametersError} If the direction is unknown
   */
  releaseConnection(direction: MessageStreamDirection, usefd?: boolean): void
}

/**
 * One connection, as those see it who use it. It is under `transient` until its peer is known.
 */
export interface ConnectionScope extends ResourceScope {
  /**
   * Whether it is accounted for under the allowlisted pair of scopes
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
   * Accounts for the connection under a service as well
   *
   * @throws {ResourceLimitExceededError} If it does not fit there. Nothing has
   * changed then.
   * @throws {ResourceScopeStateError} If it belongs to a service already or has no
   * peer yet
   * @throws {ResourceScopeClosedError} If the scope has been closed
   * @throws {InvalidParametersError} If the name is empty
   */
  setService(service: string): void
}

/**
 * One connection, as its owner sees it, who opened its scope and closes it
 */
export interface ConnectionManagementScope extends ConnectionScope, ResourceScopeSpan {
  /**
   * Moves the connection, and all that it holds, from `transient` to its peer
   *
   * @throws {ResourceLimitExceededError} If it does not fit there. Nothing has
   * changed then.
   * @throws {ResourceScopeStateError} If it has a peer already
   * @throws {ResourceScopeClosedError} If the scope has been closed
   */
  setPeer(peer: PeerId): void
}

/**
 * One stream, as those see it who use it. It is under `transient` until its protocol is known.
 */
export interface StreamScope extends ResourceScope {
  /**
   * Whether it is accounted for under the allowlisted pair of scopes
   */
  readonly allowlisted: boolean

  /**
   * The scope of the peer. Only the scope of a stream that no manager observes has
   * none.
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
   * Accounts for the stream under a service as well. Where the service of the
   * protocol is known already, saying the same again does nothing.
   *
   * @throws {ResourceLimitExceededError} If it does not fit there. Nothing has
   * changed then.
   * @throws {ResourceScopeStateError} If it belongs to a service already or has no
   * protocol yet
   * @throws {ResourceScopeClosedError} If the scope has been closed
   * @throws {InvalidParametersError} If the name is empty
   */
  setService(service: string): void
}

/**
 * One stream, as its owner sees it, who opened its scope and closes it
 */
export interface StreamManagementScope extends StreamScope, ResourceScopeSpan {
  /**
   * Moves the stream, and all that it holds, from `transient` to its protocol
   *
   * @throws {ResourceLimitExceededError} If it does not fit there. Nothing has
   * changed then.
   * @throws {ResourceScopeStateError} If it has a protocol already
   * @throws {ResourceScopeClosedError} If the scope has been closed
   * @throws {InvalidParametersError} If the name is empty
   */
  setProtocol(protocol: string): void
}
