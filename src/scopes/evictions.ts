import type { AggregateScope } from './aggregate-scope.ts'
import type { MovableScope } from './movable-scope.ts'
import type { Refusal } from './refusal.ts'

/**
 * Something gives way to somebody else
 */
export interface Eviction {
  /** What gives way: a connection or a stream */
  readonly victim: MovableScope

  /** Where it is from, for people: its groups from the network to the peer */
  readonly from: readonly string[]

  /** The same of what gets the place */
  readonly to: readonly string[]

  /** What would have been refused otherwise, and the scope that is full */
  readonly refusal: Refusal
  readonly scope: AggregateScope
}

/**
 * How often something has given way in one kind of scope
 */
export interface EvictionCount {
  /** The kind of the scope that was full: `system`, `transient`, `protocol` or `service` */
  kind: string

  /** What gave way */
  resource: 'connection' | 'stream'

  /** How often, since the manager was made */
  count: number
}

/**
 * Counts evictions by the kind of the scope that was full: a handful of numbers
 */
export class EvictionCounts {
  readonly #counts: EvictionCount[] = []

  add ({ scope, victim }: Eviction): void {
    const resource = victim.kind === 'conn' ? 'connection' : 'stream'

    for (const entry of this.#counts) {
      if (entry.kind === scope.kind && entry.resource === resource) {
        entry.count++
        return
      }
    }

    this.#counts.push({ kind: scope.kind, resource, count: 1 })
  }

  entries (): EvictionCount[] {
    return this.#counts.map(entry => ({ ...entry }))
  }
}
