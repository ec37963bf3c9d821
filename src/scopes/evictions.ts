import type { AggregateScope } from './aggregate-scope.ts'
import type { MovableScope } from './movable-scope.ts'
import type { Refusal } from './refusal.ts'

/**
 * A connection or stream that gives way to something else
 */
export interface Eviction {
  /** What gives way */
  readonly victim: MovableScope

  /** Its groups, from the network to the peer, for people */
  readonly from: readonly string[]

  /** The groups of what gets the place */
  readonly to: readonly string[]

  /** The refusal that this avoids, and the scope that is full */
  readonly refusal: Refusal
  readonly scope: AggregateScope
}

/**
 * How often connections or streams have given way in one kind of scope
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
 * Counts evictions by resource and by the kind of the scope that was full. There are few of these,
 * so a list is enough.
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
