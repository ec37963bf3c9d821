export interface PercentilesInit {
  /** Up to this value each has a bucket of its own */
  exact: number

  /** And from there on so many buckets are there for each doubling */
  perDoubling: number
}

/**
 * Values are known to 3%
 */
const FINE: PercentilesInit = { exact: 64, perDoubling: 32 }

/**
 * Percentiles of any number of values, each with a weight, in some hundred numbers
 */
export class Percentiles {
  readonly #weights = new Map<number, number>()
  readonly #init: PercentilesInit
  #total = 0

  constructor (init: PercentilesInit = FINE) {
    this.#init = init
  }

  add (value: number, weight: number): void {
    if (weight <= 0) {
      return
    }

    const bucket = this.#bucketOf(value)

    this.#weights.set(bucket, (this.#weights.get(bucket) ?? 0) + weight)
    this.#total += weight
  }

  /**
   * @param share - from 0 to 1
   * @param total - the weight of everything, including samples with nothing
   * @returns the value that this share of the weight does not exceed, rounded up to its bucket.
   * 0 if there is none.
   */
  at (share: number, total: number = this.#total): number {
    const buckets = [...this.#weights].sort(([a], [b]) => a - b)
    let sum = total - this.#total

    if (sum >= share * total) {
      return 0
    }

    for (const [bucket, weight] of buckets) {
      sum += weight

      if (sum >= share * total) {
        return this.#boundOf(bucket)
      }
    }

    return 0
  }

  #bucketOf (value: number): number {
    const { exact, perDoubling } = this.#init

    return value <= exact ? value : exact + Math.ceil(perDoubling * Math.log2(value / exact))
  }

  #boundOf (bucket: number): number {
    const { exact, perDoubling } = this.#init

    return bucket <= exact ? bucket : Math.floor(exact * 2 ** ((bucket - exact) / perDoubling))
  }
}
