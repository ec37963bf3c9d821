import { setBackgroundTimer } from '../util/timers.ts'
import type { AggregateScope } from './aggregate-scope.ts'

/**
 * How long idle scopes wait at most, in ms. go-libp2p collects once a minute.
 */
const COLLECT_INTERVAL = 30_000

/**
 * How many scopes may wait. A flood of new peers exceeds this long before the interval is over, and
 * then they are collected at once.
 */
const MAX_WAITING = 16_384

/**
 * How long collecting holds the event loop at a time, in ms
 */
const SLICE_DURATION = 1

/**
 * How many scopes are collected between two readings of the clock
 */
const SCOPES_PER_READING = 32

export interface IdleScopesInit {
  /**
   * Forgets a scope that is idle
   */
  collect(scope: AggregateScope): void
}

/**
 * Scopes that have become idle wait here until they are collected. So the cost of collecting
 * depends on how many are idle, not on how many there are. A scope that is in use again by then
 * stays, and comes back when it is next idle.
 */
export class IdleScopes {
  readonly #collect: (scope: AggregateScope) => void
  #waiting: AggregateScope[] = []
  #timer?: ReturnType<typeof setTimeout>
  #delay = Infinity
  #running = true
  #collectsSoon = false

  /**
   * How many calls of limiters, observers and room makers are running. The graph may call them
   * between finding a scope and using it, so nothing is collected until all have returned.
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
   * Collects everything that is idle: at once or, if the graph is in the middle of a change, right
   * after it
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
   * A microtask is late enough: all changes are synchronous
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
        // the rest has waited long enough: it only lets others have the event loop
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
   * Collects the scope that was added last, if it is still idle
   *
   * @returns Whether a scope was waiting
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
