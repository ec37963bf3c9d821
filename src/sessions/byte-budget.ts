import { startClock } from '../util/clock.ts'
import { setBackgroundTimer } from '../util/timers.ts'

/**
 * For how long an unused budget accumulates, in ms: as long as a timer may well be late, so
 * that the rate is reached, but no longer, so that it is not exceeded
 */
const MAX_SAVED = 100

/**
 * What a stream typically sends at once, in bytes. A waiting stream waits for this much, so
 * that streams do not take turns for a few bytes.
 */
const SHARE = 65_536

/**
 * The time between two turns, in ms: a stream spends its turn a moment later
 */
const MIN_DELAY = 10

/**
 * The longest that timers can wait is 2^31 ms. Waking up for nothing now and then does
 * no harm.
 */
const MAX_DELAY = 60_000

/**
 * Bytes that become available at a constant rate. More than are available can be spent at once;
 * waiting makes up for it.
 *
 * Those who wait get their turns in the order in which they came, and there is a timer
 * only while somebody waits.
 */
export class ByteBudget {
  // in bytes per ms
  #rate = 0
  #maxSaved = 1
  #share = 1
  readonly #clock: () => number
  readonly #waiting = new Set<() => void>()
  #balance = 0
  #spent = 0
  #updated = 0
  // some have waited for a whole share, and others were faster
  #postponed = false
  #timer?: ReturnType<typeof setTimeout>

  /**
   * @param bitrate - in bit/s. With Infinity there is always something, with 0 never.
   * @param now - the time in ms since any point in time, which must not go back
   */
  constructor (bitrate: number, now?: () => number) {
    this.#setRate(bitrate)
    this.#clock = startClock(now)
  }

  /**
   * How many bytes were spent since the beginning
   */
  get spent (): number {
    return this.#spent
  }

  /**
   * Whether somebody waits for more
   */
  get short (): boolean {
    return this.#waiting.size > 0
  }

  /**
   * Goes on at another rate. Debts stay, except that a budget without a limit has none: if it
   * gets a limit again, it begins with nothing.
   *
   * @param bitrate - as for the constructor
   */
  setBitrate (bitrate: number): void {
    const { available } = this

    this.#setRate(bitrate)
    this.#balance = available === Infinity ? 0 : Math.min(this.#balance, this.#maxSaved)
    this.#updated = this.#clock()

    if (this.#timer != null) {
      clearTimeout(this.#timer)
      this.#timer = undefined
      this.#schedule()
    }
  }

  /**
   * How many bytes there are now, which is negative if more were spent
   */
  get available (): number {
    if (this.#rate === Infinity) {
      return Infinity
    }

    const now = this.#clock()

    this.#balance = Math.min(this.#maxSaved, this.#balance + (now - this.#updated) * this.#rate)
    this.#updated = now

    return Math.floor(this.#balance)
  }

  spend (bytes: number): void {
    this.#spent += bytes
    this.#balance -= bytes
  }

  /**
   * Calls back once, when it is the turn of the caller
   */
  wait (callback: () => void): void {
    this.#waiting.add(callback)
    this.#schedule()
  }

  /**
   * Does not call back
   */
  cancel (callback: () => void): void {
    this.#waiting.delete(callback)

    if (this.#waiting.size === 0) {
      clearTimeout(this.#timer)
      this.#timer = undefined
    }
  }

  #setRate (bitrate: number): void {
    this.#rate = bitrate / 8 / 1_000
    // a byte must fit, however slow it is
    this.#maxSaved = Math.max(1, this.#rate * MAX_SAVED)
    // half of what can be saved, so that nothing is lost when the timer is late
    this.#share = Math.max(1, Math.min(SHARE, this.#maxSaved / 2))
  }

  #schedule (): void {
    if (this.#timer != null) {
      return
    }

    const delay = this.#rate === Infinity ? 0 : Math.ceil((this.#share - this.available) / this.#rate)

    this.#timer = setBackgroundTimer(() => {
      this.#timer = undefined
      this.#giveTurns()
      // of a rate of 0 nothing comes until there is another one
    }, this.#rate === 0 ? MAX_DELAY : Math.min(Math.max(delay, MIN_DELAY), MAX_DELAY))
  }

  #giveTurns (): void {
    const { available } = this
    const postponed = available < this.#share && !this.#postponed
    let turns = available <= 0 || postponed ? 0 : Math.ceil(available / SHARE)

    this.#postponed = postponed

    for (const callback of this.#waiting) {
      if (turns-- <= 0) {
        break
      }

      this.#waiting.delete(callback)
      callback()
    }

    if (this.#waiting.size > 0) {
      this.#schedule()
    }
  }
}
