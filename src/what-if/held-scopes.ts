import { AggregateScope } from '../scopes/aggregate-scope.ts'
import { MovableScope } from '../scopes/movable-scope.ts'
import { ServiceSpanScope } from '../scopes/service-span-scope.ts'
import { SpanScope } from '../scopes/span-scope.ts'
import type { OwnedScope } from '../scopes/owned-scope.ts'
import type { ScopeGraph } from '../scopes/scope-graph.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

/**
 * Connections, streams and spans that are in this graph because they are in another one, and
 * what they hold there. The limits of this graph decide about their requests here.
 *
 * @template K - what identifies scopes of the other graph
 */
export class HeldScopes<K> {
  readonly graph: ScopeGraph
  protected readonly scopes = new Map<K, OwnedScope>()

  /**
   * How many bytes scopes hold in the other graph that were refused here
   */
  readonly #missing = new WeakMap<object, number>()

  constructor (graph: ScopeGraph) {
    this.graph = graph
  }

  /**
   * @param scope - where it is reserved: something that was opened, or a scope that all share
   * @param size - in bytes
   * @param priority
   * @param isHeld - `false` if it was refused in the other graph
   */
  reserveMemory (scope: K | AggregateScope, size: number, priority: number, isHeld = true): boolean {
    const holder = this.#holder(scope)

    if (holder === undefined) {
      return false
    }

    if (!isHeld) {
      return this.#fitsMemory(holder, size, priority)
    }

    if (isOrphan(holder)) {
      return false
    }

    if (holder.tryReserveMemory(size, priority) == null) {
      return true
    }

    this.#missing.set(holder, (this.#missing.get(holder) ?? 0) + size)

    return false
  }

  #fitsMemory (holder: OwnedScope | AggregateScope, size: number, priority: number): boolean {
    const full = holder.firstWithoutMemory(size, priority)

    if (full == null) {
      return true
    }

    // a span whose owner is gone still has a limit of its own
    if (!full.closed) {
      this.graph.refuseMemory(holder, size, priority)
    }

    return false
  }

  releaseMemory (scope: K | AggregateScope, size: number): void {
    const holder = this.#holder(scope)

    if (holder === undefined) {
      return
    }

    const missing = this.#missing.get(holder) ?? 0
    const kept = Math.max(0, size - missing)

    if (missing > 0) {
      this.#missing.set(holder, missing - (size - kept))
    }

    holder.releaseMemory(Math.min(kept, holder.ownMemory))
  }

  /**
   * Something has more bytes in its buffers or, below 0, fewer
   */
  addBuffers (key: K, size: number): void {
    const scope = this.scopes.get(key)

    if (scope instanceof MovableScope) {
      scope.addBuffers(size < 0 ? -Math.min(-size, scope.buffers) : size)
    }
  }

  /**
   * A service reserves one more stream itself
   *
   * @param key
   * @param inbound
   * @param isHeld - `false` if it was refused in the other graph
   */
  reserveStream (key: K, inbound: boolean, isHeld = true): boolean {
    const fits = attempt(this.#serviceSpan(key), span => { span.reserveStream(directionOf(inbound)) })

    if (fits && !isHeld) {
      this.releaseStream(key, inbound)
    }

    return fits
  }

  releaseStream (key: K, inbound: boolean): void {
    this.#serviceSpan(key)?.releaseStream(directionOf(inbound))
  }

  reserveConnection (key: K, inbound: boolean, usefd: boolean, isHeld = true): boolean {
    const fits = attempt(this.#serviceSpan(key), span => { span.reserveConnection(directionOf(inbound), usefd) })

    if (fits && !isHeld) {
      this.releaseConnection(key, inbound, usefd)
    }

    return fits
  }

  releaseConnection (key: K, inbound: boolean, usefd: boolean): void {
    this.#serviceSpan(key)?.releaseConnection(directionOf(inbound), usefd)
  }

  #serviceSpan (key: K): ServiceSpanScope | undefined {
    const scope = this.scopes.get(key)

    return scope instanceof ServiceSpanScope ? scope : undefined
  }

  #holder (scope: K | AggregateScope): OwnedScope | AggregateScope | undefined {
    const holder = scope instanceof AggregateScope ? scope : this.scopes.get(scope)

    return holder === undefined || holder.closed ? undefined : holder
  }
}

export function directionOf (inbound: boolean): MessageStreamDirection {
  return inbound ? 'inbound' : 'outbound'
}

/**
 * Whether it is a span of something that was refused here after the span was opened
 */
function isOrphan (scope: OwnedScope | AggregateScope): boolean {
  return scope instanceof SpanScope && (scope.owner.closed || isOrphan(scope.owner))
}

/**
 * A service can reserve for itself only by methods that throw. The refusal has been reported
 * already.
 */
function attempt (span: ServiceSpanScope | undefined, reserve: (span: ServiceSpanScope) => void): boolean {
  if (span === undefined) {
    return false
  }

  try {
    reserve(span)

    return true
  } catch (err: any) {
    if (err.name !== 'StreamLimitExceededError' && err.name !== 'ConnectionLimitExceededError') {
      throw err
    }

    return false
  }
}
