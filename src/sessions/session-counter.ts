import { resolveCollectorConfig } from './collector-config.ts'
import { History } from './history.ts'
import { SessionTable } from './session-table.ts'
import { ActiveSession } from './session.ts'
import { SlidingWindow } from './sliding-window.ts'
import { Ticker } from './ticker.ts'
import type { CollectorConfig, ResolvedCollectorConfig } from './collector-config.ts'
import type { CollectorObserver } from './session-observer.ts'
import type { TickResult, TickTask } from './ticker.ts'

/**
 * How many sessions end in one slice of work when many have timed out at once, which
 * takes less than a millisecond
 */
const SESSIONS_PER_TICK = 1_024

/**
 * Location and peer of sessions that have none
 */
const UNKNOWN = 'unknown'

/**
 * Sessions from their first byte until they are part of the history, and how much all of them
 * transfer. This class counts; a collector answers questions.
 */
export class SessionCounter implements TickTask {
  /**
   * The sessions that have ended
   */
  readonly history: History
  readonly config: ResolvedCollectorConfig
  protected readonly ticker: Ticker
  protected readonly table: SessionTable
  readonly #observer?: CollectorObserver
  readonly #rx: SlidingWindow
  readonly #tx: SlidingWindow
  #running = true

  /**
   * @param config
   * @param ticker - may be shared between collectors, which then need one timer
   * @param observer - is told of each session
   * @throws {InvalidParametersError} If an option cannot be used
   */
  constructor (config: CollectorConfig = {}, ticker: Ticker = new Ticker(), observer?: CollectorObserver) {
    this.config = resolveCollectorConfig(config)
    this.history = new History(this.config.maxHistory)
    this.ticker = ticker
    this.#observer = observer
    this.table = new SessionTable({ ...this.config, ended: session => { this.#ended(session) } })
    this.#rx = new SlidingWindow(ticker.step())
    this.#tx = new SlidingWindow(ticker.step())
    ticker.add(this)
  }

  /**
   * The session with this id, which is registered if there is none. Callers keep it, so that it
   * need not be found again for all of its bytes.
   *
   * @returns one that is over where the collector is stopped
   */
  open (id: string, reference: string, location: string, peer: string): ActiveSession {
    const known = this.table.get(id)

    if (known != null) {
      return known
    }

    const session = new ActiveSession({
      id,
      reference,
      location: location === '' ? UNKNOWN : location,
      peer: peer === '' ? UNKNOWN : peer,
      step: this.ticker.step()
    })

    if (this.#running) {
      this.table.add(session)
      this.ticker.wake()
      this.#observer?.added(session)
    } else {
      session.over = true
    }

    return session
  }

  /**
   * Counts bytes that a session of this collector has received, which must not be over
   *
   * @param session
   * @param bytes - a whole number above 0
   */
  received (session: ActiveSession, bytes: number): void {
    const step = this.ticker.coarseStep()

    this.table.seen(session, step)
    session.rxBytes += bytes
    session.rx.add(bytes, step)
    this.#rx.add(bytes, step)
  }

  /**
   * The same for bytes that it has sent
   */
  sent (session: ActiveSession, bytes: number): void {
    const step = this.ticker.coarseStep()

    this.table.seen(session, step)
    session.txBytes += bytes
    session.tx.add(bytes, step)
    this.#tx.add(bytes, step)
  }

  ingressBitrate (): number {
    return this.#rx.bitrate(this.ticker.step())
  }

  egressBitrate (): number {
    return this.#tx.bitrate(this.ticker.step())
  }

  start (): void {
    this.#running = true
    this.ticker.add(this)
  }

  stop (): void {
    this.#running = false
    this.table.endAll()
    this.ticker.remove(this)
  }

  tick (step: number): TickResult {
    if (this.table.endIdle(step, SESSIONS_PER_TICK) === 0) {
      return 'busy'
    }

    return this.table.size === 0 ? 'idle' : 'waiting'
  }

  #ended (session: ActiveSession): void {
    const { active, location, peer, reference, rxBytes, txBytes } = session

    this.#observer?.removed(session)

    if (!active) {
      return
    }

    this.history.add({ location, peer, reference, totalSessions: 1, totalRxBytes: rxBytes, totalTxBytes: txBytes })
    // somebody may wait for the history to change
    this.ticker.wake()
  }
}
