import { performance } from 'node:perf_hooks'
import { beginAnswer, RequestError, toText } from './answers.ts'
import { TimeLine } from './time-line.ts'
import type { AdminStat } from './admin-stat.ts'
import type { Look } from './look.ts'
import type { ResourceManager } from '../interface.ts'
import type { ServerResponse } from 'node:http'

/**
 * How often those who watch hear something, in ms
 */
const INTERVAL = 1_000

/**
 * At most so much of the time is spent on looking, however many peers there are: after a look
 * that takes 20 ms, in slices, the next is 2 s later
 */
const LOOK_SHARE = 0.01

/**
 * How many can watch at once
 */
export const MAX_LISTENERS = 16

/**
 * How many events in a row a listener may not read before it is ended: about a minute
 */
const MAX_SKIPPED = 60

/**
 * One that watches
 */
interface Listener {
  readonly res: ServerResponse

  /** How many events it has not got since it read the last time */
  skipped: number
}

/**
 * Server-sent events: the last ten minutes for whoever begins to watch, then a look at
 * everything each second. One that does not read misses events, and nothing is kept for it
 * but the last one.
 */
export class LiveFeed {
  readonly #look: Pick<Look, 'take'>
  readonly #stat: AdminStat
  readonly #onError: (err: Error) => void
  readonly #listeners = new Set<Listener>()
  readonly #timeLine: TimeLine
  readonly #timer: ReturnType<typeof setInterval>
  readonly #now: () => number

  /** When the next look may be */
  #nextLook = 0

  /** What was seen the last time */
  #looked = ''

  /** Set while somebody looks, and resolves when that has been told */
  #looking?: Promise<void> | undefined

  /**
   * @param manager
   * @param look - of this manager
   * @param stat
   * @param onError - is told where a manager fails
   * @param now - in ms
   */
  constructor (manager: ResourceManager, look: Pick<Look, 'take'>, stat: AdminStat, onError: (err: Error) => void, now: () => number = () => performance.now()) {
    this.#look = look
    this.#stat = stat
    this.#onError = onError
    this.#now = now
    this.#timeLine = new TimeLine(manager)
    this.#timer = setInterval(() => { void this.tick() }, INTERVAL)
    this.#timer.unref()
  }

  /**
   * @throws {RequestError} if as many watch as can
   */
  listen (res: ServerResponse): void {
    if (this.#listeners.size >= MAX_LISTENERS) {
      this.#stat.listenersRefused++
      throw new RequestError(503, `expected at most ${MAX_LISTENERS} live views at once`, { 'retry-after': '5' })
    }

    const listener: Listener = { res, skipped: 0 }

    this.#listeners.add(listener)
    this.#stat.listeners++
    res.once('close', () => {
      this.#listeners.delete(listener)
      this.#stat.listeners--
    })

    // nothing is written to who does not read, and that ends by `MAX_SKIPPED`
    res.socket?.setTimeout(0)
    beginAnswer(res, 200, 'text/event-stream; charset=utf-8')
    this.#send(listener, `event: history\ndata: ${toText(this.#timeLine.samples)}\n\n${this.#isTooEarly ? this.#looked : ''}`)

    if (!this.#isTooEarly) {
      void this.#lookNow()
    }
  }

  close (): void {
    clearInterval(this.#timer)
  }

  /**
   * Called each second
   *
   * @returns when everybody has been told
   */
  async tick (): Promise<void> {
    try {
      const sample = this.#timeLine.add()

      if (this.#listeners.size === 0) {
        return
      }

      // whoever comes each second may be early once: the next look is the later for it
      if (this.#looking === undefined && (this.#looked === '' || this.#now() >= this.#nextLook - INTERVAL / 2)) {
        await this.#lookNow()
        return
      }

      // the time line goes on where it is too early for another look
      this.#tell(`event: sample\ndata: ${toText(sample)}\n\n`)
    } catch (err: any) {
      // a manager of somebody else's
      this.#onError(err)
    }
  }

  /**
   * Whether another look would take more time than looks may have, however many begin to watch
   */
  get #isTooEarly (): boolean {
    return this.#looked !== '' && this.#now() < this.#nextLook
  }

  /**
   * Who begins to watch in the middle of a look is told what is seen as well
   */
  async #lookNow (): Promise<void> {
    this.#looking ??= this.#takeLook().catch(this.#onError).finally(() => { this.#looking = undefined })

    await this.#looking
  }

  async #takeLook (): Promise<void> {
    const { duration, text } = await this.#look.take(this.#timeLine.latest, this.#stat)

    this.#nextLook = Math.max(this.#now(), this.#nextLook) + duration / LOOK_SHARE
    this.#looked = `event: live\ndata: ${text}\n\n`
    this.#tell(this.#looked)
  }

  #tell (text: string): void {
    this.#listeners.forEach(listener => { this.#send(listener, text) })
  }

  #send (listener: Listener, text: string): void {
    const { res } = listener

    if (res.destroyed) {
      return
    }

    if (!res.writableNeedDrain) {
      listener.skipped = 0
      res.write(text)
      return
    }

    this.#stat.eventsSkipped++

    if (++listener.skipped >= MAX_SKIPPED) {
      this.#stat.listenersEnded++
      res.destroy()
    }
  }
}
