import { addStats, isNothing, noSessions } from './session-stats.ts'
import type { SessionStats } from './session-stats.ts'

/**
 * The name of what has no sum of its own
 */
export const OTHER = 'other'

/**
 * Sums by name: those of the names that were used last, and one for all others.
 *
 * The names come from remote peers, who could make up new ones for ever. The one that
 * was not used for the longest time gives way, and what it had is part of `other` from
 * then on: all together always add up to what was added.
 */
export class RecentSums {
  readonly #maxNames: number
  readonly #other = noSessions()
  // in the order in which they were used, the latest is the last one
  readonly #sums = new Map<string, SessionStats>()
  // the last of them, which need not be moved
  #latest?: string
  #evicted = 0

  /**
   * @param maxNames - how many names there may be besides `other`
   */
  constructor (maxNames: number) {
    this.#maxNames = maxNames
  }

  /**
   * How many names have given way
   */
  get evicted (): number {
    return this.#evicted
  }

  add (name: string, stats: Readonly<SessionStats>): void {
    if (name === OTHER) {
      addStats(this.#other, stats)

      return
    }

    let sum = this.#sums.get(name)

    if (sum === undefined) {
      sum = noSessions()
      this.#sums.set(name, sum)
    } else if (name !== this.#latest) {
      this.#sums.delete(name)
      this.#sums.set(name, sum)
    }

    addStats(sum, stats)
    this.#latest = name
    this.#evict()
  }

  /**
   * Adds to the number of names that have given way
   */
  addEvicted (count: number): void {
    this.#evicted = Math.min(this.#evicted + count, Number.MAX_SAFE_INTEGER)
  }

  /**
   * The names and their sums, those that were not used for the longest time first
   */
  * entries (): Iterable<[name: string, stats: Readonly<SessionStats>]> {
    if (!isNothing(this.#other)) {
      yield [OTHER, this.#other]
    }

    yield * this.#sums
  }

  #evict (): void {
    if (this.#sums.size <= this.#maxNames) {
      return
    }

    const [[name, stats]] = this.#sums

    this.#sums.delete(name)
    addStats(this.#other, stats)
    this.addEvicted(1)
  }
}
