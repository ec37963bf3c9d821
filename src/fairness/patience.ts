/**
 * How full it is when patience begins to end, when it is back, and when there is as little
 * of it as there ever is. Without a distance between the first two it would come and go.
 */
const PRESSED = 0.5
const RELIEVED = 0.4
const FULL = 0.95

/**
 * How long something that does not make progress is waited for: as long as usual while
 * there is room for others, and the shorter the less room there is
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
