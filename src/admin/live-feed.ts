import { performance } from 'node:perf_hooks'
import { inBackground } from '../util/timers.ts'
import { beginAnswer, RequestError, toText } from './answers.ts'
import { TimeLine } from './time-line.ts'
import type { AdminStat } from './admin-stat.ts'
import type { Snapshots } from './snapshot.ts'
import type { ResourceManager } from '../interface.ts'
import type { ServerResponse } from 'node:http'

/**
 * How often listeners hear something, in ms
 */
const INTERVAL = 1_000

/**
 * The share of the time that snapshots may take, however many peers there are: after one that
 * takes 20 ms, in slices, the next is 2 s later
 */
const SNAPSHOT_SHARE = 0.01

/**
 * How many listeners there may be at once
 */
export const MAX_LISTENERS = 16

/**
 * How many events in a row a listener may not read before it is ended: about a minute
 */
const MAX_SKIPPED = 60

/**
 * A live view
 */
interface Listener {
  readonly res: ServerResponse

  /** How many events it has not got since it read the last time */
  skipped: number
}

/**
 * Server-sent events. A new listener gets the last ten minutes, then a snapshot each second. One
 * that does not read misses events: only the last one is kept for it.
 */
export class LiveFeed {
  readonly #snapshots: Pick<Snapshots, 'take'>
  readonly #stat: AdminStat
  readonly #onError: (err: Error) => void
  readonly #listeners = new Set<Listener>()
  readonly #timeLine: TimeLine
  readonly #timer: ReturnType<typeof setInterval>
  readonly #now: () => number

  /** When the next snapshot may be taken */
  #nextSnapshot = 0

  /** The last snapshot, as an event */
  #latest = ''

  /** Set while a snapshot is being taken. Resolves when the listeners have been told. */
  #taking?: Promise<void> | undefined

  /**
   * @param manager
   * @param snapshots - of this manager
   * @param stat
   * @param onError - is told where a manager fails
   * @param now - in ms
   */
  constructor (manager: ResourceManager, snapshots: Pick<Snapshots, 'take'>, stat: AdminStat, onError: (err: Error) => void, now: () => number = () => performance.now()) {
    this.#snapshots = snapshots
    this.#stat = stat
    this.#onError = onError
    this.#now = now
    this.#timeLine = new TimeLine(manager)
    this.#timer = inBackground(setInterval(() => { void this.tick() }, INTERVAL))
  }

  /**
   * @throws {RequestError} if there are as many listeners as there may be
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

    // nothing is written to one that does not read, and `MAX_SKIPPED` ends it
    res.socket?.setTimeout(0)
    beginAnswer(res, 200, 'text/event-stream; charset=utf-8')
    this.#send(listener, `event: history\ndata: ${toText(this.#timeLine.samples)}\n\n${this.#isTooEarly ? this.#latest : ''}`)

    if (!this.#isTooEarly) {
      void this.#snapshotNow()
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

      // a tick may come a little early: the next snapshot is later for it
      if (this.#taking === undefined && (this.#latest === '' || this.#now() >= this.#nextSnapshot - INTERVAL / 2)) {
        await this.#snapshotNow()
        return
      }

      // the time line goes on where it is too early for another snapshot
      this.#tell(`event: sample\ndata: ${toText(sample)}\n\n`)
    } catch (err: any) {
      // a manager of somebody else's
      this.#onError(err)
    }
  }

  /**
   * Whether another snapshot would take more time than snapshots may, however many listeners come
   */
  get #isTooEarly (): boolean {
    return this.#latest !== '' && this.#now() < this.#nextSnapshot
  }

  /**
   * Whoever begins to listen while a snapshot is being taken gets that one
   */
  async #snapshotNow (): Promise<void> {
    this.#taking ??= this.#takeNow().catch(this.#onError).finally(() => { this.#taking = undefined })

    await this.#taking
  }

  async #takeNow (): Promise<void> {
    const { duration, text } = await this.#snapshots.take(this.#timeLine.latest, this.#stat)

    this.#nextSnapshot = Math.max(this.#now(), this.#nextSnapshot) + duration / SNAPSHOT_SHARE
    this.#latest = `event: live\ndata: ${text}\n\n`
    this.#tell(this.#latest)
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
