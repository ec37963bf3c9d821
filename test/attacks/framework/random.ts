/**
 * Random numbers that are the same for the same seed (mulberry32)
 */
export class Random {
  #state: number

  constructor (seed: number) {
    this.#state = seed
  }

  /**
   * From 0 to 1, which it never is
   */
  next (): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0

    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)

    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed

    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  between (min: number, max: number): number {
    return min + this.next() * (max - min)
  }

  pick <T> (values: readonly T[]): T {
    return values[Math.floor(this.next() * values.length)]
  }
}
