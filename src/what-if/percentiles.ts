/**
 * Up to this value each has a bucket of its own
 */
const EXACT = 64

/**
 * And from there on so many buckets are there for each doubling, so that a value is known to 3%
 */
const PER_DOUBLING = 32

/**
 * Percentiles of any number of values, each with a weight, in some hundred numbers
 */
export class Percentiles {
  readonly #weights = new Map<number, number>()
  #total = 0

  add (value: number, weight: number): void {
    if (weight <= 0) {
      return
    }

    const bucket = bucketOf(value)

    this.#weights.set(bucket, (this.#weights.get(bucket) ?? 0) + weight)
    this.#total += weight
  }

  /**
   * @param share - from 0 to 1
   * @returns the value that so much of the weight does not exceed, to 3%. 0 where there is none.
   */
  at (share: number): number {
    const buckets = [...this.#weights].sort(([a], [b]) => a - b)
    let sum = 0

    for (const [bucket, weight] of buckets) {
      sum += weight

      if (sum >= share * this.#total) {
        return boundOf(bucket)
      }
    }

    return 0
  }
}

function bucketOf (value: number): number {
  return value <= EXACT ? value : EXACT + Math.ceil(PER_DOUBLING * Math.log2(value / EXACT))
}

function boundOf (bucket: number): number {
  return bucket <= EXACT ? bucket : Math.floor(EXACT * 2 ** ((bucket - EXACT) / PER_DOUBLING))
}
