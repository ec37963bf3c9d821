import { startClock } from '../util/clock.ts'
import { setBackgroundTimer } from '../util/timers.ts'

/**
 * How long a step is, in ms. It is the unit of time here: as small whole numbers,
 * steps are compared and stored without allocating anything.
 */
export const STEP_DURATION = 1_000

/**
 * How many calls of `coarseStep` share one reading of the clock, which takes longer than
 * everything else when bytes are counted
 */
const CALLS_PER_READING = 16

/**
 * What a task expects of the ticker:
 *
 * - `idle`: nothing, until somebody calls `wake`
 * - `waiting`: to be called in the next step
 * - `busy`: to be called again as soon as others have had the event loop
 */
export type TickResult = 'idle' | 'waiting' | 'busy'

export interface TickTask {
  /**
   * Does the work that is due, in a slice that holds up nothing else
   *
   * @param step - the number of the step that it is now
   */
  tick(step: number): TickResult
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
 * How many steps something takes that takes a number of ms
 */
export function toSteps (ms: number): number {
  return Math.ceil(ms / STEP_DURATION)
}

/**
 * One clock and one timer for any number of tasks. There is a timer only while a
 * task waits for something, and it does not keep the process alive.
 */
export class Ticker {
  // in ms since the ticker was made
  readonly #now: () => number
  readonly #tasks = new Set<TickTask>()
  #step = 0
  #calls = 0
  #timer?: ReturnType<typeof setTimeout>

  constructor (init: TickerInit = {}) {
    this.#now = startClock(init.now)
  }

  /**
   * The number of the step that it is now, counted from when the ticker was made
   */
  step (): number {
    this.#calls = 0
    // a clock that is set back must not bring sessions out of order
    this.#step = Math.max(this.#step, Math.floor(this.#now() / STEP_DURATION))

    return this.#step
  }

  /**
   * The same without always reading the clock. While a task waits, the timer does
   * so at the beginning of each step; in case that it is late, some of the calls do.
   */
  coarseStep (): number {
    return ++this.#calls < CALLS_PER_READING ? this.#step : this.step()
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
      this.#schedule('waiting')
    }
  }

  /**
   * Calls all tasks now
   */
  tick (): void {
    const step = this.step()
    let next: TickResult = 'idle'

    this.#cancel()

    for (const task of this.#tasks) {
      const result = task.tick(step)

      if (next === 'idle' || result === 'busy') {
        next = result
      }
    }

    if (next !== 'idle') {
      this.#cancel()
      this.#schedule(next)
    }
  }

  #schedule (next: 'waiting' | 'busy'): void {
    const untilNextStep = STEP_DURATION - this.#now() % STEP_DURATION

    this.#timer = setBackgroundTimer(() => { this.tick() }, next === 'busy' ? 0 : untilNextStep)
  }

  #cancel (): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
