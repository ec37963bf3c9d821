/**
 * How many places one call checks: a fraction of a millisecond
 */
const SWEEP_BUDGET = 16_384

/**
 * How many places are checked when an entry is added to a table. A table is at most eight times
 * as large as its content, so all of it is checked before its size can double.
 */
export const SWEEP_ON_INSERT = 8

/**
 * A table of buckets. Full ones do not need to be kept.
 */
export interface Sweepable {
  /**
   * How many buckets are kept
   */
  readonly size: number

  /**
   * Goes back to the beginning of the table
   */
  restart(): void

  /**
   * Removes full buckets, from where the last call stopped to the end of the table
   *
   * @param now - the time
   * @param budget - how many places to look at
   * @returns what is left of the budget when the end was reached, else 0
   */
  sweep(now: number, budget: number): number
}

/**
 * Sweeps tables in slices that hold up nothing else
 */
export class Sweeper {
  // which table is next, and whether part of it was done already
  #next = 0
  #begun = false

  /**
   * Removes full buckets
   *
   * @returns false if there is more to look at
   */
  sweep (tables: readonly Sweepable[], now: number): boolean {
    let budget = SWEEP_BUDGET

    while (this.#next < tables.length) {
      const table = tables[this.#next]

      if (!this.#begun) {
        table.restart()
      }

      budget = table.sweep(now, budget)
      this.#begun = budget === 0

      if (this.#begun) {
        return false
      }

      this.#next++
    }

    this.#next = 0

    return true
  }
}
