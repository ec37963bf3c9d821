/**
 * The fullness at which patience begins to shrink, at which it is back, and at which it is
 * smallest. Without a distance between the first two, it would switch back and forth.
 */
const PRESSED = 0.5
const RELIEVED = 0.4
const FULL = 0.95

/**
 * How long to wait for something that makes no progress: the usual time while there is room for
 * others, and less the less room there is
 */
export class Patience {
  readonly #usual: number
  readonly #least: number
  #pressed = false

  /**
   * @param usual - in ms
   * @param least - in ms
   */
  constructor (usual: number, least: number) {
    this.#usual = usual
    this.#least = Math.min(usual, least)
  }

  /**
   * In ms
   *
   * @param fullness - from 0 to 1
   */
  at (fullness: number): number {
    this.#pressed = fullness > (this.#pressed ? RELIEVED : PRESSED)

    if (!this.#pressed) {
      return this.#usual
    }

    const pressure = Math.min(1, (fullness - RELIEVED) / (FULL - RELIEVED))

    return Math.round(this.#usual - pressure * (this.#usual - this.#least))
  }
}
