import type { Refusal } from './refusal.ts'
import type { ScopeKind } from './scope-kind.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

/**
 * How often one kind of scope has refused one resource
 */
export interface RefusalCount {
  kind: ScopeKind
  resource: Refusal['resource']

  /**
   * Set where the limit was one for a single direction
   */
  direction?: MessageStreamDirection
  count: number
}

/**
 * Counts refusals by the kind of scope, the resource and the direction: a few
 * dozen numbers, however many scopes there are
 */
export class RefusalCounts {
  // few enough that looking through them beats making a key to look up
  readonly #counts: RefusalCount[] = []

  add ({ kind, resource, direction }: Refusal): void {
    for (const entry of this.#counts) {
      if (entry.kind === kind && entry.resource === resource && entry.direction === direction) {
        entry.count++
        return
      }
    }

    this.#counts.push({ kind, resource, direction, count: 1 })
  }

  entries (): RefusalCount[] {
    return this.#counts.map(entry => ({ ...entry }))
  }
}
