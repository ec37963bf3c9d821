/**
 * The value that a share of all values is below
 */
export function quantile (values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const position = (sorted.length - 1) * share
  const below = Math.floor(position)
  const next = sorted[Math.min(below + 1, sorted.length - 1)]

  return sorted[below] + (next - sorted[below]) * (position - below)
}

export function median (values: number[]): number {
  return quantile(values, 0.5)
}

/**
 * What is known of a figure that was measured many times
 */
export interface Spread {
  median: number
  q1: number
  q3: number
  min: number
  max: number
}

export function spreadOf (values: number[]): Spread {
  return {
    median: median(values),
    q1: quantile(values, 0.25),
    q3: quantile(values, 0.75),
    min: quantile(values, 0),
    max: quantile(values, 1)
  }
}

/**
 * A ratio with its spread: median, quartiles, and the extremes
 */
export function formatSpread ({ median, q1, q3, min, max }: Spread): string {
  return `${median.toFixed(3)} [${q1.toFixed(3)}–${q3.toFixed(3)}] (${min.toFixed(2)}–${max.toFixed(2)})`
}

/**
 * What is known of a median
 */
export interface Interval {
  median: number

  /** It is between these with 95% confidence */
  low: number
  high: number
}

const RESAMPLES = 1_000

function pick <T> (values: T[]): T[] {
  return values.map(() => values[Math.floor(Math.random() * values.length)])
}

/**
 * The median of values and its 95% interval, by bootstrap: first groups are drawn, then
 * values of these, since those of one group have more in common than chance
 */
export function intervalOf (groups: number[][]): Interval {
  const medians = Array.from({ length: RESAMPLES }, () => median(pick(groups).flatMap(pick)))

  return { median: median(groups.flat()), low: quantile(medians, 0.025), high: quantile(medians, 0.975) }
}

export function formatInterval ({ median, low, high }: Interval): string {
  return `${median.toFixed(3)} [${low.toFixed(3)}–${high.toFixed(3)}]`
}
