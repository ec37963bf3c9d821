import { setBackgroundTimer } from '../background-timer.ts'
import { invalid } from '../validation.ts'
import type { LiveStream } from './live-stream.ts'
import type { HandlersStat } from '../resource-manager-stat.ts'
import type { DefaultResourceManager } from '../resource-manager.ts'
import type { Stream, StreamHandler, StreamHandlerRecord } from '@libp2p/interface'

const DEFAULT_GRACE = 30_000

/**
 * The longest that a timer can wait, in ms
 */
const MAX_GRACE = 2 ** 31 - 1

/**
 * Where a stream has what is known of it
 */
const LIVE = Symbol('libp2p-resource-manager.live')

interface Followed extends Stream {
  [LIVE]?: LiveStream
}

/**
 * Keeps the scopes of streams whose handler still runs when they are closed. Without
 * it a remote that opens streams and resets them at once would make a node run any
 * number of handlers, while its streams never come near a limit.
 *
 * A handler that only adds listeners has ended long before.
 */
export class RunningHandlers {
  readonly #manager: DefaultResourceManager
  readonly #end: (live: LiveStream) => void
  readonly #grace: number
  readonly #now: () => number
  readonly #running = new WeakSet<LiveStream>()

  /**
   * Streams that are closed and whose handler runs, in the order in which they were
   * closed, with the time from which nobody waits for it any more
   */
  readonly #closed = new Map<LiveStream, number>()

  /**
   * `getHandler` is called several times for a stream and has always given the same
   * object for a handler
   */
  readonly #wrapped = new WeakMap<StreamHandlerRecord, StreamHandlerRecord>()
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
  constructor (manager: DefaultResourceManager, end: (live: LiveStream) => void, grace: number = DEFAULT_GRACE, now: () => number = Date.now) {
    if (!Number.isInteger(grace) || grace < 0 || grace > MAX_GRACE) {
      throw invalid('handlerGrace', `a whole number of milliseconds from 0 to ${MAX_GRACE}`, grace)
    }

    this.#manager = manager
    this.#end = end
    this.#grace = grace
    this.#now = now
  }

  add (live: LiveStream): void {
    const stream: Followed = live.stream

    stream[LIVE] = live
  }

  /**
   * The stream has been closed: its scope goes with it or with its handler
   */
  closed (live: LiveStream): void {
    if (this.#stopped || this.#grace === 0 || !this.#running.has(live)) {
      this.#end(live)
      return
    }

    this.#closed.set(live, this.#now() + this.#grace)
    this.#startTimer(this.#grace)
  }

  /**
   * The same handler, followed until it has ended
   */
  wrap (record: StreamHandlerRecord): StreamHandlerRecord {
    let wrapped = this.#wrapped.get(record)

    if (wrapped == null) {
      wrapped = { ...record, handler: this.#follow(record.handler) }
      this.#wrapped.set(record, wrapped)
    }

    return wrapped
  }

  stat (): HandlersStat {
    return { running: this.#closed.size, overdue: this.#overdue }
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

    for (const live of [...this.#closed.keys()]) {
      this.#release(live)
    }
  }

  #follow (handler: StreamHandler): StreamHandler {
    return (stream, connection) => {
      const live = (stream as Followed)[LIVE]
      const result = handler(stream, connection)

      // one that has returned has ended
      if (live == null || typeof result?.then !== 'function') {
        return result
      }

      this.#running.add(live)

      return Promise.resolve(result).finally(() => { this.#ended(live) })
    }
  }

  #ended (live: LiveStream): void {
    this.#running.delete(live)

    if (this.#closed.has(live)) {
      this.#release(live)
    }
  }

  #release (live: LiveStream): void {
    this.#closed.delete(live)
    this.#end(live)
  }

  #startTimer (delay: number): void {
    if (this.#timer != null) {
      return
    }

    this.#timer = setBackgroundTimer(() => {
      this.#timer = undefined
      this.#releaseOverdue()
    }, delay)
  }

  #releaseOverdue (): void {
    const now = this.#now()
    const overdue = new Map<string, number>()

    for (const [live, deadline] of this.#closed) {
      if (deadline > now) {
        this.#startTimer(deadline - now)
        break
      }

      const { protocol } = live.stream

      overdue.set(protocol, (overdue.get(protocol) ?? 0) + 1)
      this.#overdue++
      this.#release(live)
    }

    if (overdue.size > 0) {
      const names = Array.from(overdue, ([protocol, count]) => `${protocol} (${count})`).join(', ')

      this.#manager.warn(`handlers still run ${this.#grace} ms after their stream was closed, and are not waited for any more: ${names}`)
    }
  }
}
