import { PositionedList } from '../../util/positioned-list.ts'
import { setBackgroundTimer } from '../../util/timers.ts'
import { invalid } from '../../util/validation.ts'
import { liveStream } from '../buffers/live-stream.ts'
import { EvictedHandlers } from './evicted-handlers.ts'
import type { Core } from '../../manager/core.ts'
import type { HandlersStat } from '../../manager/resource-manager-stat.ts'
import type { HandlerGrace, LiveStream } from '../buffers/live-stream.ts'
import type { StreamMiddleware } from '@libp2p/interface'

const DEFAULT_GRACE = 30_000

/**
 * The longest that a timer can wait, in ms
 */
const MAX_GRACE = 2 ** 31 - 1

/**
 * @throws {InvalidParametersError} If the grace is not a number of ms
 */
export function checkHandlerGrace (grace: number = DEFAULT_GRACE): void {
  if (!Number.isInteger(grace) || grace < 0 || grace > MAX_GRACE) {
    throw invalid('handlerGrace', `a whole number of milliseconds from 0 to ${MAX_GRACE}`, grace)
  }
}

/**
 * Keeps the scopes of streams whose handler still runs when they are closed. Without
 * it a remote that opens streams and resets them at once would make a node run any
 * number of handlers, while its streams never come near a limit.
 *
 * A handler that only adds listeners has ended long before.
 */
export class RunningHandlers {
  readonly #manager: Core
  readonly #end: (live: LiveStream) => void
  readonly #grace: number
  readonly #now: () => number
  readonly #closed = new PositionedList<HandlerGrace>()
  readonly #evicted = new EvictedHandlers()

  #timer?: ReturnType<typeof setTimeout>
  #stopped = false
  #overdue = 0

  /**
   * @param manager
   * @param end - Closes the scope of a stream
   * @param grace - in ms
   * @param now
   * @throws {InvalidParametersError} If the grace is not a number of ms
   */
  constructor (manager: Core, end: (live: LiveStream) => void, grace: number = DEFAULT_GRACE, now: () => number = () => performance.now()) {
    checkHandlerGrace(grace)

    this.#manager = manager
    this.#end = end
    this.#grace = grace
    this.#now = now
  }

  /**
   * The stream has been closed: its scope is closed now, or when its handler ends
   */
  closed (live: LiveStream): void {
    if (this.#stopped || this.#grace === 0 || !live.handled) {
      this.#end(live)
      return
    }

    // libp2p may say so more than once
    if (live.handlerGrace == null) {
      live.handlerGrace = { live, deadline: this.#now() + this.#grace, beneficiary: undefined, position: -1 }
      this.#closed.add(live.handlerGrace)
      this.#startTimer(this.#grace)
    }
  }

  /**
   * Whether a stream may give way to somebody of a network: if its handler runs on, that takes
   * no slot any more
   */
  mayGiveWay (live: LiveStream, network: string): boolean {
    return !live.handled || this.#evicted.allows(network)
  }

  /**
   * The stream gives way to somebody of a network: its scope does not wait for its handler
   * any more. Nothing happens if it does not.
   */
  giveWay (live: LiveStream, network: string): void {
    const { handlerGrace } = live

    if (handlerGrace != null) {
      handlerGrace.beneficiary = network
      this.#evicted.add(network)
      this.#end(live)
    }
  }

  /**
   * Observes the last middleware of a stream: the one that calls the handler of an inbound
   * stream, which the connection adds (libp2p 3). The handler itself stays the one that others
   * see in the registrar.
   */
  observeLast (middleware: StreamMiddleware[]): StreamMiddleware[] {
    middleware.push = this.#push

    return middleware
  }

  stat (): HandlersStat {
    return { running: this.#closed.size - this.#evicted.size, overdue: this.#overdue }
  }

  start (): void {
    this.#stopped = false
  }

  /**
   * The node stops: nothing is kept for a handler any more
   */
  stop (): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.#timer = undefined

    for (const { live } of [...this.#closed]) {
      this.#release(live)
    }
  }

  readonly #push = (() => {
    const observe = (middleware: StreamMiddleware): StreamMiddleware => this.#observe(middleware)

    return function (this: StreamMiddleware[], ...added: StreamMiddleware[]): number {
      return Array.prototype.push.apply(this, added.map(observe))
    }
  })()

  #observe (middleware: StreamMiddleware): StreamMiddleware {
    return async (stream, connection, next) => {
      const live = liveStream(stream)

      if (live == null) {
        return middleware(stream, connection, next)
      }

      live.handled = true

      try {
        await middleware(stream, connection, next)
      } finally {
        this.#ended(live)
      }
    }
  }

  #ended (live: LiveStream): void {
    live.handled = false
    this.#release(live)
  }

  #release (live: LiveStream): void {
    const { handlerGrace } = live

    if (handlerGrace != null) {
      live.handlerGrace = undefined
      this.#closed.delete(handlerGrace)

      if (handlerGrace.beneficiary !== undefined) {
        this.#evicted.delete(handlerGrace.beneficiary)
      }

      this.#end(live)
    }
  }

  #startTimer (delay: number): void {
    this.#timer ??= setBackgroundTimer(() => {
      this.#timer = undefined
      this.#releaseOverdue()
    }, delay)
  }

  #releaseOverdue (): void {
    const now = this.#now()
    const overdue = new Map<string, number>()

    let next = Infinity

    for (const { live, deadline } of [...this.#closed]) {
      if (deadline > now) {
        next = Math.min(next, deadline)
        continue
      }

      const { protocol } = live.stream

      overdue.set(protocol, (overdue.get(protocol) ?? 0) + 1)
      this.#overdue++
      this.#release(live)
    }

    if (next !== Infinity) {
      // up to a hundredth of the grace late: all are checked each time
      this.#startTimer(Math.max(next - now, this.#grace / 100))
    }

    if (overdue.size > 0) {
      const names = Array.from(overdue, ([protocol, count]) => `${protocol} (${count})`).join(', ')

      this.#manager.warn(`handlers still run ${this.#grace} ms after their stream was closed, and are not waited for any more: ${names}`)
    }
  }
}
