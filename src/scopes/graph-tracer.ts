import type { AggregateScope, PeerShareScope } from './aggregate-scope.ts'
import type { Eviction } from './evictions.ts'
import type { MovableScope } from './movable-scope.ts'
import type { OwnedScope } from './owned-scope.ts'
import type { Refusal } from './refusal.ts'
import type { Usage } from './usage.ts'

export type AnyScope = AggregateScope | OwnedScope

/**
 * Is told of every change of the graph, after it has happened. It must not throw.
 *
 * There usually is no tracer, and then a change costs the reading of one field.
 */
export interface GraphTracer {
  created(scope: AnyScope): void

  destroyed(scope: AnyScope): void

  /**
   * A connection or stream was opened, and is counted in its edges
   */
  entered(scope: MovableScope): void

  /**
   * A connection or stream has joined a protocol or service
   *
   * @param scope
   * @param share - the share that its peer has of that
   * @param left - the scope that no longer counts it, if there is one
   */
  joined(scope: MovableScope, share: PeerShareScope, left?: AggregateScope): void

  /**
   * A scope was closed, and no other scope counts it any more
   */
  ended(scope: OwnedScope): void

  /**
   * A connection has moved to its peer
   *
   * @param scope
   * @param to - the scopes that count it from now on, the peer first
   * @param from - the scopes that no longer count it
   */
  moved(scope: MovableScope, to: AggregateScope[], from: AggregateScope[]): void

  /**
   * The buffers of a connection or stream have grown or, below 0, shrunk. No limit was checked.
   */
  buffered(scope: MovableScope, size: number): void

  /**
   * Usage was added to all of these scopes, for the first of them. Memory has a priority.
   */
  added(scopes: AnyScope[], usage: Usage, priority?: number): void

  /**
   * Usage was removed from all of these scopes: the first of them has released it
   */
  removed(scopes: AnyScope[], usage: Usage): void

  /**
   * A request was refused or, if limits are not enforced, would have been
   */
  refused(refusal: Refusal): void

  /**
   * Something gave way or, if limits are not enforced, would have
   */
  evicted(eviction: Eviction): void

  /**
   * A ban has begun or ended
   *
   * @param type
   * @param level
   * @param target - the peer, host or subnet
   */
  ban(type: 'ban' | 'lift', level: 'peer' | 'host' | 'subnet', target: string): void
}
