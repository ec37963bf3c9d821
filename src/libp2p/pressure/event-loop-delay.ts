import { inBackground } from '../../util/timers.ts'
import { checkObject, invalid } from '../../util/validation.ts'
import { refuseForPressure, Thresholds } from './pressure.ts'
import type { Pressure } from './pressure.ts'
import type { EventLoopDelayStat } from '../../manager/resource-manager-stat.ts'
import type { Refusal } from '../../scopes/refusal.ts'

/**
 * When inbound connections and streams are refused because the event loop is late
 */
export interface EventLoopDelayInit {
  /**
   * While the event loop is later than this, in ms, new inbound connections and streams
   * are refused
   */
  max: number

  /**
   * They are accepted again below this, in ms
   *
   * @default half of `max`
   */
  resume?: number
}

const DEFAULT_RESUME = 0.5

/**
 * How often the delay is measured, in ms: often enough to notice a late node in time, and
 * rarely enough for an idle node
 */
const INTERVAL = 100

/**
 * A timer is late on purpose in a page that nobody sees
 */
function isThrottled (): boolean {
  return globalThis.document?.visibilityState === 'hidden'
}

/**
 * Refuses what remotes open while the process cannot keep up with its work.
 *
 * A timer measures its own delay, which works everywhere and does not keep a process alive. One
 * long delay is halved with every measurement that follows, so a delay of twice `max` refuses
 * for about two tenths of a second.
 */
export class EventLoopDelay implements Pressure {
  readonly #thresholds: Thresholds
  readonly #now: () => number
  readonly #throttled: () => boolean
  #delay = 0
  #timer?: ReturnType<typeof setInterval>

  /**
   * @throws {InvalidParametersError} naming the value that cannot be used
   */
  constructor (init: EventLoopDelayInit, now: () => number = () => performance.now(), throttled: () => boolean = isThrottled) {
    this.#thresholds = eventLoopDelayThresholds(init)
    this.#now = now
    this.#throttled = throttled
  }

  start (): void {
    this.stop()

    let expected = this.#now() + INTERVAL

    this.#timer = inBackground(setInterval(() => {
      const now = this.#now()

      this.#measured(this.#throttled() ? 0 : now - expected)
      expected = now + INTERVAL
    }, INTERVAL))
  }

  stop (): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#delay = 0
    this.#thresholds.update(0)
  }

  find (request: 'connection' | 'stream'): Refusal | undefined {
    const { exceeded, max } = this.#thresholds

    return exceeded ? refuseForPressure('eventLoopDelay', request, Math.round(this.#delay), max) : undefined
  }

  stat (): EventLoopDelayStat {
    const { exceeded, max, resume } = this.#thresholds

    return { delay: Math.round(this.#delay), max, resume, refusing: exceeded }
  }

  #measured (late: number): void {
    this.#delay = Math.max(late, this.#delay / 2)
    this.#thresholds.update(this.#delay)
  }
}

/**
 * @throws {InvalidParametersError} naming the value that cannot be used
 */
export function eventLoopDelayThresholds (init: EventLoopDelayInit): Thresholds {
  checkObject('eventLoopDelay', init)

  const { max, resume = DEFAULT_RESUME * max } = init

  checkDelay('eventLoopDelay.max', max)
  checkDelay('eventLoopDelay.resume', resume)

  if (resume > max) {
    throw invalid('eventLoopDelay.resume', `at most eventLoopDelay.max, ${max}`, resume)
  }

  return new Thresholds(max, resume)
}

function checkDelay (field: string, value: number): void {
  if (typeof value !== 'number' || !(value > 0 && value < Infinity)) {
    throw invalid(field, 'a number of milliseconds above 0', value)
  }
}
