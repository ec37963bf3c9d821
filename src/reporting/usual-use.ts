import { LIMIT_FIELDS } from '../limits/limit.ts'
import { Percentiles } from '../util/percentiles.ts'
import { HighWaterMarks, MAX_NAMES } from './high-water-marks.ts'
import { USED } from './scope-usage.ts'
import type { HighWaterMark } from './high-water-marks.ts'
import type { Limit } from '../limits/limit.ts'
import type { AggregateScope } from '../scopes/aggregate-scope.ts'
import type { PercentilesInit } from '../util/percentiles.ts'
import type { Slice } from '../util/slices.ts'

/**
 * Usual values are known to 9%, in about a kB for each figure. With hundreds of protocols,
 * there are thousands of figures.
 */
const COARSE: PercentilesInit = { exact: 16, perDoubling: 8 }

/**
 * What is usual of something that has a high-water mark
 */
export interface Usual {
  /**
   * What was exceeded for half and for 1% of the time, rounded up by 9% at most. For peers and
   * their shares of protocols and services, what half and 1% of them exceeded.
   */
  p50: number
  p99: number
}

/** A mark, and what is usual where that has been sampled */
export type DescribedMark = HighWaterMark & Partial<Usual>

/**
 * How much there was at regular intervals in one scope, or in all of a kind
 */
class Samples {
  #count = 0
  readonly #values = new Map<keyof Limit, Percentiles>()

  add (scope: AggregateScope): void {
    this.#count++

    if (scope.empty) {
      return
    }

    for (const field of LIMIT_FIELDS) {
      const value = USED[field](scope)

      if (value > 0) {
        this.#valuesOf(field).add(value, 1)
      }
    }
  }

  of ({ field, value }: HighWaterMark): Usual {
    const values = this.#values.get(field)
    const at = (share: number): number => Math.min(value, values?.at(share, this.#count) ?? 0)

    return { p50: at(0.5), p99: at(0.99) }
  }

  #valuesOf (field: keyof Limit): Percentiles {
    let values = this.#values.get(field)

    if (values === undefined) {
      values = new Percentiles(COARSE)
      this.#values.set(field, values)
    }

    return values
  }
}

/**
 * Finds out how much is usual: it samples a graph as often as high-water marks do
 */
export class UsualUse extends HighWaterMarks {
  /** Of services and protocols by the name of their scope, and of others by their kind */
  readonly #samples = new Map<string, Samples>()

  protected sampleScope (scope: AggregateScope): void {
    const { key, kind } = scope
    const name = kind === 'service' || kind === 'protocol' ? `${kind}:${key}` : kind

    this.#samplesOf(this.#samples.has(name) || this.#samples.size < 2 * MAX_NAMES ? name : kind).add(scope)
  }

  /**
   * Puts what is usual beside marks
   */
  * describe (marks: HighWaterMark[], slice: Slice): Generator<undefined, DescribedMark[], undefined> {
    const result: DescribedMark[] = []

    for (const mark of marks) {
      const samples = this.#samples.get(mark.scope) ?? this.#samples.get(mark.kind)

      result.push({ ...mark, ...samples?.of(mark) })

      if (slice.over) {
        yield
      }
    }

    return result
  }

  #samplesOf (name: string): Samples {
    let samples = this.#samples.get(name)

    if (samples === undefined) {
      samples = new Samples()
      this.#samples.set(name, samples)
    }

    return samples
  }
}
