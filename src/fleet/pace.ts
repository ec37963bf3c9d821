/**
 * How long what is due waits for what comes after it, in ms
 */
const LEAST_DELAY = 50

/**
 * The part of `ttl` that there is between two calls if there are always more, which makes four a
 * second with the default, and how many of these calls may be ahead of that
 */
const INTERVAL = 1 / 20
const BURST = 4

/**
 * The time to the next call after a first failure, and after many, in ms
 */
const FIRST_BACK_OFF = 250
export const MAX_BACK_OFF = 5_000

/**
 * When the engine may be called again: soon, but not at once every time, and ever later while
 * it fails
 */
export class Pace {
  readonly #interval: number

  /** The time at which the calls so far would have been made, with one in each interval */
  #paidUntil = -Infinity
  #failures = 0

  /**
   * @param ttl - how long leases last, in ms
   */
  constructor (ttl: number) {
    this.#interval = INTERVAL * ttl
  }

  called (now: number): void {
    this.#paidUntil = Math.max(this.#paidUntil, now) + this.#interval
  }

  answered (): void {
    this.#failures = 0
  }

  /**
   * @returns How long to wait before the next call, in ms
   */
  failed (): number {
    return Math.min(FIRST_BACK_OFF * 2 ** this.#failures++, MAX_BACK_OFF)
  }

  /** Whether the engine has not answered since it failed */
  get failing (): boolean {
    return this.#failures > 0
  }

  /**
   * How long what is due has to wait, in ms
   */
  delay (now: number): number {
    return Math.max(LEAST_DELAY, this.#paidUntil - BURST * this.#interval - now)
  }
}
