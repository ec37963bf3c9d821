import type { GaugeFamily, MetricsSource } from './metric-family.ts'

/**
 * How something is distributed now. There may be very many of it, so nothing is
 * allocated for each.
 */
export interface DistributionFamily extends Omit<GaugeFamily, 'read'> {
  /** The greatest values that the buckets have, but for the last one, which has no bound */
  buckets: readonly number[]

  /** The series that there are, by their labels */
  labels: ReadonlyArray<Record<string, string>>

  /**
   * Reads what there is now
   *
   * @param source
   * @param add - is told of each value, and of the series it is part of
   */
  read(source: MetricsSource, add: (value: number, series?: number) => void): void
}

/**
 * One series of it
 */
export interface Distribution {
  readonly labels: Record<string, string>

  /** How many there are up to the bound of each bucket; the last one has all of them */
  readonly cumulated: number[]
  sum: number
}

/**
 * What has more than 0 of it
 */
export function distribute ({ buckets, labels, read }: DistributionFamily, source: MetricsSource): Distribution[] {
  const all = labels.map(labels => ({ labels, cumulated: new Array<number>(buckets.length + 1).fill(0), sum: 0 }))

  read(source, (value, series = 0) => {
    if (value > 0) {
      all[series].cumulated[bucketOf(value, buckets)]++
      all[series].sum += value
    }
  })

  for (const { cumulated } of all) {
    for (let i = 1; i < cumulated.length; i++) {
      cumulated[i] += cumulated[i - 1]
    }
  }

  return all
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
