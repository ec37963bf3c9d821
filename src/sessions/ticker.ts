import { startClock } from '../admission/clock.ts'

/**
 * How often tasks are called while one of them waits for something, in ms
 */
export const TICK_INTERVAL = 1_000

/**
 * What a task expects of the next tick:
 *
 * - `idle`: nothing, until somebody calls `wake`
 * - `waiting`: to be called after the interval
 * - `busy`: to be called again as soon as others have had the event loop
 */
export type TickResult = 'idle' | 'waiting' | 'busy'

export interface TickTask {
  /**
   * Does what is due, in a slice that does not hold up anything else
   *
   * @param now - the time of the ticker, in ms
   */
  tick(now: number): TickResult
}

export interface TickerInit {
  /**
   * The time in ms since any point in time. It must not go back.
   *
   * @default performance.now
   */
  now?(): number
}

/**
 * One clock and one timer for any number of tasks. There is a timer only while a
 * task waits for something, and it does not keep the process alive.
 */
export class Ticker {
  /**
   * The time in ms since the ticker was made
   */
  readonly now: () => number
  readonly #tasks = new Set<TickTask>()
  #timer?: ReturnType<typeof setTimeout>

  constructor (init: TickerInit = {}) {
    this.now = startClock(init.now)
  }

  add (task: TickTask): void {
    this.#tasks.add(task)
  }

  remove (task: TickTask): void {
    this.#tasks.delete(task)

    if (this.#tasks.size === 0) {
      this.#cancel()
    }
  }

  /**
   * To be called when a task that was idle has something to wait for
   */
  wake (): void {
    if (this.#timer == null) {
      this.#schedule(TICK_INTERVAL)
    }
  }

  /**
   * Calls all tasks now
   */
  tick (): void {
    const now = this.now()
    let delay = Infinity

    this.#cancel()

    for (const task of this.#tasks) {
      const result = task.tick(now)

      if (result !== 'idle') {
        delay = Math.min(delay, result === 'busy' ? 0 : TICK_INTERVAL)
      }
    }

    if (delay < Infinity) {
      this.#cancel()
      this.#schedule(delay)
    }
  }

  #schedule (delay: number): void {
    this.#timer = setTimeout(() => { this.tick() }, delay)

    // not there in browsers, where a timer is a number
    this.#timer.unref?.()
  }

  #cancel (): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
