import { STEP_DURATION } from './ticker.ts'

/**
 * How many steps a bit rate is averaged over
 */
const WINDOW_STEPS = 10

/**
 * How much of the top rate is left after a step
 */
const TOP_DECAY = 0.95

/**
 * How long the window is, in seconds
 */
const WINDOW_SECONDS = WINDOW_STEPS * STEP_DURATION / 1_000

/**
 * The bit rate of the last ten seconds, and the highest one that has been seen.
 *
 * Callers pass the time as the number of a step. Nothing has to happen while time passes: the
 * next call makes up for it, so the answers do not depend on earlier questions. A step before
 * the last one counts as the last one.
 */
export class SlidingWindow {
  // the bytes of each step, the one with number n at n modulo the size
  readonly #steps: number[] = new Array<number>(WINDOW_STEPS).fill(0)
  // their sum, which is exact because all of them are whole numbers
  #bytes = 0
  #topBitrate = 0
  #step: number

  constructor (step: number) {
    this.#step = step
  }

  add (bytes: number, step: number): void {
    this.#advance(step)
    this.#steps[this.#step % WINDOW_STEPS] += bytes
    this.#bytes += bytes
    this.#raiseTop()
  }

  /**
   * The average of the step and the nine before it, in bit/s
   */
  bitrate (step: number): number {
    this.#advance(step)

    return this.#average()
  }

  /**
   * The highest bit rate that has been seen, less 5% for each step since, in bit/s
   */
  topBitrate (step: number): number {
    this.#advance(step)

    return this.#topBitrate
  }

  /**
   * Sets the highest bit rate, in bit/s. More bytes or the next step raise it to the current
   * bit rate, if that is higher.
   */
  setTopBitrate (bitrate: number, step: number): void {
    this.#advance(step)
    this.#topBitrate = bitrate
  }

  #advance (step: number): void {
    const passed = step - this.#step

    if (passed <= 0) {
      return
    }

    for (let i = Math.min(passed, WINDOW_STEPS); i > 0; i--) {
      const oldest = ++this.#step % WINDOW_STEPS

      this.#bytes -= this.#steps[oldest]
      this.#steps[oldest] = 0
      this.#topBitrate *= TOP_DECAY
      this.#raiseTop()
    }

    if (step > this.#step) {
      // the window is empty by now
      this.#topBitrate *= TOP_DECAY ** (step - this.#step)
      this.#step = step
    }
  }

  #average (): number {
    return this.#bytes * 8 / WINDOW_SECONDS
  }

  #raiseTop (): void {
    const bitrate = this.#average()

    if (bitrate > this.#topBitrate) {
      this.#topBitrate = bitrate
    }
  }
}
