import type { AnyRefusal } from './refusal.ts'
import type { Resource } from '../errors.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

/**
 * How often one kind of scope, or of limit by address or rate, has refused one
 * resource
 */
export interface RefusalCount {
  /**
   * What refused: a kind of scope such as `system` or `protocolPeer`, or `subnet`,
   * `network`, `global`, `peer` or `protocol` for a limit by subnet or of a rate
   */
  kind: string
  resource: Resource

  /**
   * Set where the limit was one for a single direction
   */
  direction?: MessageStreamDirection
  count: number
}

/**
 * Counts refusals by the kind of what refused, the resource and the direction: a few
 * dozen numbers, however many scopes there are
 */
export class RefusalCounts {
  // few enough that looking through them beats making a key to look up
  readonly #counts: RefusalCount[] = []

  add ({ kind, resource, direction }: AnyRefusal): void {
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
