import { setBackgroundTimer } from '../util/timers.ts'
import { Pace } from './pace.ts'
import type { Engine } from './engine.ts'
import type { RatesAnswer, RatesRequest } from './rates-protocol.ts'

/**
 * The share of a grant's time that is used: the clock of a node may be a little slow
 */
const SAFE_PART = 0.95

/**
 * By the clock of the node, in ms
 */
export interface RatesTimes {
  now: number

  /** Until when what was granted may be used */
  validUntil: number
}

/**
 * Something that is asked for with the others
 */
export interface RatesPart {
  /** Whether no call is needed if it has nothing to tell and wants nothing */
  readonly optional?: boolean

  /** The latest time for a call: Infinity if it does not matter */
  dueAt(now: number): number

  /** Adds what it tells and wants */
  ask(request: RatesRequest, now: number): void

  /** What was granted has ended */
  expired?(now: number): void

  /** Everything that was asked for has an answer */
  answered(request: RatesRequest, answer: RatesAnswer, times: RatesTimes): void
}

export interface RatesCallsInit {
  engine: Pick<Engine, 'call' | 'busy'>

  /** Of the node, and of this run of it */
  id: string
  ttl: number
  timeout: number

  /** The version of the decisions that the limits are from */
  policy(): number

  /** In ms, and never goes back */
  now(): number

  /** The engine has answered */
  answered(): void
}

/**
 * Asks the engine for rates in the background: every quarter of a `ttl`, and at once if
 * something is needed. There is one call at a time. A call without an answer in time is
 * repeated, and the answer of the first one does not count any more.
 */
export class RatesCalls {
  readonly #init: RatesCallsInit
  #parts: readonly RatesPart[] = []
  #running = false
  #seq = 0
  #acked = 0
  #sentAt = -Infinity
  readonly #pace: Pace

  /** Whether a call waits for its answer */
  #waiting = false
  #timer?: ReturnType<typeof setTimeout>
  #timerAt = Infinity
  #lateness?: ReturnType<typeof setTimeout>
  #expiry?: ReturnType<typeof setTimeout>

  constructor (init: RatesCallsInit) {
    this.#init = init
    this.#pace = new Pace(init.ttl)
  }

  /**
   * @param parts - what is asked for from now on, instead of what was before
   */
  start (parts: readonly RatesPart[]): void {
    this.#parts = parts
    this.#running = parts.length > 0
    // what was asked for was asked for others
    this.#seq++
    this.#waiting = false
    clearTimeout(this.#lateness)
    this.#schedule(this.#init.now())
  }

  stop (): void {
    this.#running = false
    this.#parts = []
    this.#seq++
    this.#waiting = false
    clearTimeout(this.#timer)
    clearTimeout(this.#lateness)
    clearTimeout(this.#expiry)
    this.#timerAt = Infinity
  }

  /**
   * Something is needed
   */
  wanted (): void {
    if (!this.#waiting && !this.#pace.failing) {
      this.#schedule(this.#soonest)
    }
  }

  #scheduleNext (): void {
    const now = this.#init.now()
    let at = this.#sentAt + this.#init.ttl / 4

    for (const part of this.#parts) {
      at = Math.min(at, part.dueAt(now))
    }

    this.#schedule(Math.max(at, this.#soonest))
  }

  get #soonest (): number {
    const now = this.#init.now()

    return now + this.#pace.delay(now)
  }

  #schedule (at: number): void {
    if (!this.#running || at >= this.#timerAt) {
      return
    }

    clearTimeout(this.#timer)
    this.#timerAt = at
    this.#timer = setBackgroundTimer(() => {
      this.#timerAt = Infinity
      this.#call()
    }, Math.max(0, at - this.#init.now()))
  }

  #call (): void {
    const { engine, id, now, policy, timeout, ttl } = this.#init

    if (!this.#running || this.#waiting) {
      return
    }

    const parts = this.#parts

    this.#sentAt = now()

    if (engine.busy) {
      // who is refused wants to ask at once, again and again
      this.#pace.called(this.#sentAt)
      this.#scheduleNext()
      return
    }

    const seq = ++this.#seq
    const sentAt = this.#sentAt
    const request: RatesRequest = { id, seq, acked: this.#acked, ttl, policy: policy(), tokens: [], shares: [], gone: [], groups: [] }

    parts.forEach(part => { part.ask(request, sentAt) })

    if (isEmpty(request) && parts.every(({ optional }) => optional === true)) {
      this.#scheduleNext()
      return
    }

    this.#pace.called(sentAt)
    this.#waiting = true

    const ended = (answer?: RatesAnswer): void => {
      if (seq !== this.#seq || !this.#waiting) {
        return
      }

      clearTimeout(this.#lateness)
      this.#waiting = false
      this.#answered(parts, request, answer, sentAt)
    }

    this.#lateness = setBackgroundTimer(() => { ended() }, timeout)
    engine.call<RatesAnswer>('rates', request).then(ended, () => { ended() })
  }

  #answered (parts: readonly RatesPart[], request: RatesRequest, answer: RatesAnswer | undefined, sentAt: number): void {
    const { now, ttl } = this.#init
    const validUntil = sentAt + ttl * SAFE_PART

    if (answer?.status === 'ok' && validUntil > now()) {
      this.#acked = request.seq
      this.#pace.answered()
      parts.forEach(part => { part.answered(request, answer, { now: now(), validUntil }) })
      clearTimeout(this.#expiry)
      this.#expiry = setBackgroundTimer(() => { this.#parts.forEach(part => { part.expired?.(now()) }) }, Math.ceil(validUntil - now()))
      this.#init.answered()
      this.#scheduleNext()
    } else {
      // the calls for leases of the same engine report what went wrong
      this.#schedule(now() + Math.min(this.#pace.failed(), answer === undefined ? Infinity : ttl / 4))
    }
  }
}

function isEmpty ({ gone, groups, held, shares, tokens }: RatesRequest): boolean {
  return held === undefined && gone.length + groups.length + shares.length + tokens.length === 0
}
