import type { AggregateScope, PeerShareScope } from './aggregate-scope.ts'
import type { Eviction } from './evictions.ts'
import type { MovableScope } from './movable-scope.ts'
import type { OwnedScope } from './owned-scope.ts'
import type { Refusal } from './refusal.ts'
import type { Usage } from './usage.ts'

export type AnyScope = AggregateScope | OwnedScope

/**
 * Observes everything that changes in the graph. It is called after the change, and
 * must not throw.
 *
 * There usually is none, and then nothing but a look at one field happens.
 */
export interface GraphTracer {
  created(scope: AnyScope): void

  destroyed(scope: AnyScope): void

  /**
   * A connection or stream is there, and counted in its edges
   */
  entered(scope: MovableScope): void

  /**
   * It counts in a protocol or service as well
   *
   * @param scope
   * @param share - that of its peer
   * @param left - where it counts no longer, if anywhere
   */
  joined(scope: MovableScope, share: PeerShareScope, left?: AggregateScope): void

  /**
   * A scope is closed, and counts nowhere any more
   */
  ended(scope: OwnedScope): void

  /**
   * A connection has become one of a peer
   *
   * @param scope
   * @param to - where it counts now and did not before, the peer first
   * @param from - where it counts no longer
   */
  moved(scope: MovableScope, to: AggregateScope[], from: AggregateScope[]): void

  /**
   * There is more in the buffers of a connection or stream or, below 0, less. Nobody was
   * asked whether it fits.
   */
  buffered(scope: MovableScope, size: number): void

  /**
   * The same was added to all of these, of which the first has asked for it. The priority is
   * that of a reservation of memory.
   */
  added(scopes: AnyScope[], usage: Usage, priority?: number): void

  /**
   * The same was taken out of all of these, of which the first has given it back
   */
  removed(scopes: AnyScope[], usage: Usage): void

  /**
   * A request was refused or, where limits are not enforced, would have been
   */
  refused(refusal: Refusal): void

  /**
   * Something gave way to a request or, where limits are not enforced, would have
   */
  evicted(eviction: Eviction): void

  /**
   * Somebody is banned, or not any more
   *
   * @param type
   * @param level - what is banned
   * @param target - who is
   */
  ban(type: 'ban' | 'lift', level: 'peer' | 'host' | 'subnet', target: string): void
}
