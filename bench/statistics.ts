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
