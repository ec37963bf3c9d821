/**
 * A timer that does not keep the process alive
 *
 * @param run
 * @param delay - in ms
 */
export function setBackgroundTimer (run: () => void, delay: number): ReturnType<typeof setTimeout> {
  return inBackground(setTimeout(run, delay))
}

/**
 * Lets the process end although a timer or an interval is there
 */
export function inBackground <T> (timer: T & { unref?(): void }): T {
  // a browser answers with a number
  timer.unref?.()

  return timer
}

/**
 * How often admission forgets addresses that it need not remember any more, in ms
 */
const SWEEP_INTERVAL = 60_000

/**
 * Something that forgets, in small steps
 */
interface Swept {
  /**
   * How much there is that may have to be forgotten
   */
  readonly tracked: number

  /**
   * @returns false if there is more to look at
   */
  sweep(): boolean
}

/**
 * Lets something forget in the background. There is a timer only while there may be something
 * to forget.
 */
export class SweepTimer {
  readonly #swept: Swept
  #timer?: ReturnType<typeof setTimeout>

  constructor (swept: Swept) {
    this.#swept = swept
  }

  start (): void {
    if (this.#timer === undefined) {
      this.#schedule(SWEEP_INTERVAL)
    }
  }

  stop (): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #schedule (delay: number): void {
    this.#timer = setBackgroundTimer(() => {
      this.#timer = undefined

      if (!this.#swept.sweep()) {
        this.#schedule(0)
      } else if (this.#swept.tracked > 0) {
        this.#schedule(SWEEP_INTERVAL)
      }
    }, delay)
  }
}
