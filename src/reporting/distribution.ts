import type { GaugeFamily } from './metric-family.ts'
import type { AggregateScope } from '../scopes/aggregate-scope.ts'
import type { DefaultConnectionScope } from '../scopes/connection-scope.ts'

/**
 * How something is distributed now over peers or connections. There may be very many of
 * these, so nothing is allocated for each.
 */
export interface DistributionFamily extends Omit<GaugeFamily, 'read'> {
  /** The greatest value of each bucket but the last one, which has no bound */
  buckets: readonly number[]

  /** The series that there are, by their labels */
  labels: ReadonlyArray<Record<string, string>>

  /**
   * What a peer has of a series
   */
  ofPeer?(peer: AggregateScope, series: number): number

  /**
   * What a connection has of a series
   */
  ofConnection?(connection: DefaultConnectionScope, series: number): number
}

/**
 * One series of it
 */
export interface Distribution {
  readonly labels: Record<string, string>

  /** How many values are within the bound of each bucket; the last bucket counts all of them */
  readonly cumulated: number[]
  sum: number
}

/**
 * Counts what has more than 0 of it
 */
export class Distributed {
  readonly family: DistributionFamily
  readonly #counts: number[][]
  readonly #sums: number[]

  constructor (family: DistributionFamily) {
    this.family = family
    this.#counts = family.labels.map(() => new Array<number>(family.buckets.length + 1).fill(0))
    this.#sums = family.labels.map(() => 0)
  }

  addPeer (peer: AggregateScope): void {
    for (let series = 0; series < this.#sums.length; series++) {
      this.#add(this.family.ofPeer?.(peer, series) ?? 0, series)
    }
  }

  addConnection (connection: DefaultConnectionScope): void {
    for (let series = 0; series < this.#sums.length; series++) {
      this.#add(this.family.ofConnection?.(connection, series) ?? 0, series)
    }
  }

  /**
   * What there is now, by series
   */
  get distributions (): Distribution[] {
    return this.family.labels.map((labels, series) => {
      let sum = 0

      return { labels, cumulated: this.#counts[series].map(count => { sum += count; return sum }), sum: this.#sums[series] }
    })
  }

  #add (value: number, series: number): void {
    if (value > 0) {
      this.#counts[series][bucketOf(value, this.family.buckets)]++
      this.#sums[series] += value
    }
  }
}

function bucketOf (value: number, buckets: readonly number[]): number {
  let bucket = 0

  while (bucket < buckets.length && value > buckets[bucket]) {
    bucket++
  }

  return bucket
}

/**
 * The bound of a bucket as a label
 */
export function boundLabel (buckets: readonly number[], bucket: number): string {
  return bucket < buckets.length ? String(buckets[bucket]) : '+Inf'
}
