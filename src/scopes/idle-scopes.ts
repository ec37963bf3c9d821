import { setBackgroundTimer } from '../util/timers.ts'
import type { AggregateScope } from './aggregate-scope.ts'

/**
 * How long idle scopes may wait, in ms. go-libp2p collects once a minute.
 */
const COLLECT_INTERVAL = 30_000

/**
 * How many scopes may wait. A flood of ever new peers passes this long before the
 * interval is over, and then has them collected right away.
 */
const MAX_WAITING = 16_384

/**
 * How long collecting may hold the event loop at a time, in ms
 */
const SLICE_DURATION = 1

/**
 * How many scopes are collected until the clock is read again
 */
const SCOPES_PER_READING = 32

export interface IdleScopesInit {
  /**
   * Forgets a scope that is idle
   */
  collect(scope: AggregateScope): void
}

/**
 * The scopes that have become idle. They wait here until they are collected, so
 * that collecting costs what is idle and not what exists. A scope that has been
 * used again by then is let go, and comes back when it is next idle.
 */
export class IdleScopes {
  readonly #collect: (scope: AggregateScope) => void
  #waiting: AggregateScope[] = []
  #timer?: ReturnType<typeof setTimeout>
  #delay = Infinity
  #running = true
  #collectsSoon = false

  /**
   * How many calls of code that is not the graph's own are running: of limiters, of those
   * who follow the graph and of those who make room in it. One may come between looking a
   * scope up and using it, and so nothing is collected until all have returned.
   */
  held = 0

  constructor (init: IdleScopesInit) {
    this.#collect = init.collect
  }

  get size (): number {
    return this.#waiting.length
  }

  add (scope: AggregateScope): void {
    this.#waiting.push(scope)

    if (this.#running) {
      this.#schedule(this.#waiting.length > MAX_WAITING ? 0 : COLLECT_INTERVAL)
    }
  }

  /**
   * From now on scopes are collected in the background
   */
  start (): void {
    this.#running = true

    if (this.#waiting.length > 0) {
      this.#schedule(COLLECT_INTERVAL)
    }
  }

  stop (): void {
    this.#running = false
    this.#cancel()
  }

  /**
   * Collects everything that is idle, at once or, where the graph is in the middle of a
   * change, as soon as it is not
   */
  collectAll (): void {
    if (this.held > 0) {
      this.#collectSoon()
      return
    }

    this.#collectUntil(Infinity)
    this.#cancel()
  }

  /**
   * All changes are synchronous
   */
  #collectSoon (): void {
    if (this.#collectsSoon) {
      return
    }

    this.#collectsSoon = true
    queueMicrotask(() => {
      this.#collectsSoon = false
      this.collectAll()
    })
  }

  #schedule (delay: number): void {
    if (delay >= this.#delay) {
      return
    }

    this.#cancel()
    this.#delay = delay
    this.#timer = setBackgroundTimer(() => {
      this.#timer = undefined
      this.#delay = Infinity
      this.#collectUntil(performance.now() + SLICE_DURATION)

      if (this.#waiting.length > 0) {
        // what is left has waited long enough, only the event loop goes first
        this.#schedule(0)
      }
    }, delay)
  }

  #cancel (): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#delay = Infinity
  }

  /**
   * Collects the one that came last, if it is idle
   *
   * @returns Whether there was one
   */
  collectNext (): boolean {
    const scope = this.#waiting.pop()

    if (scope === undefined) {
      return false
    }

    scope.queued = false

    if (scope.idle) {
      this.#collect(scope)
    }

    return true
  }

  #collectUntil (deadline: number): void {
    let collected = 0

    while (this.collectNext()) {
      if (++collected % SCOPES_PER_READING === 0 && performance.now() > deadline) {
        return
      }
    }
  }
}
