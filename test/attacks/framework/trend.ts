/**
 * How something changes with time, as a straight line (least squares)
 */
export class Trend {
  readonly #points: Array<{ time: number, value: number }> = []

  add (time: number, value: number): void {
    this.#points.push({ time, value })
  }

  /**
   * The first value
   */
  get first (): number {
    return this.#points[0]?.value ?? 0
  }

  /**
   * By how much it changes per unit of time
   */
  get slope (): number {
    const count = this.#points.length
    const meanTime = this.#points.reduce((sum, { time }) => sum + time, 0) / count
    const meanValue = this.#points.reduce((sum, { value }) => sum + value, 0) / count
    const covariance = this.#points.reduce((sum, { time, value }) => sum + (time - meanTime) * (value - meanValue), 0)
    const variance = this.#points.reduce((sum, { time }) => sum + (time - meanTime) ** 2, 0)

    return variance === 0 ? 0 : covariance / variance
  }
}
