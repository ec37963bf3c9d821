import { checkDescribed } from '../util/description.ts'
import { invalid } from '../util/validation.ts'
import { checkBytes, checkSessionId, checkText, checkTopBitrate } from './arguments.ts'
import { COLLECTOR_OPTIONS, resolveCollectorConfig } from './collector-config.ts'
import { History } from './history.ts'
import { SessionTable } from './session-table.ts'
import { LiveSession } from './session.ts'
import { SlidingWindow } from './sliding-window.ts'
import { Ticker } from './ticker.ts'
import type { ResolvedCollectorConfig } from './collector-config.ts'
import type { Collector, CollectorConfig, Summary } from './collector.ts'
import type { CollectorObserver } from './session-observer.ts'
import type { Session } from './session.ts'
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
 * Keeps sessions in memory
 */
export class DefaultCollector implements Collector, TickTask {
  /**
   * The sessions that have ended
   */
  readonly history: History
  readonly config: ResolvedCollectorConfig
  readonly #ticker: Ticker
  readonly #observer?: CollectorObserver
  readonly #sessions: SessionTable
  readonly #companions = new Set<Collector>()
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
    this.#ticker = ticker
    this.#observer = observer
    this.#sessions = new SessionTable({ ...this.config, ended: session => { this.#ended(session) } })
    this.#rx = new SlidingWindow(ticker.step())
    this.#tx = new SlidingWindow(ticker.step())
    ticker.add(this)
  }

  register (id: string, reference: string, location: string, peer: string): void {
    checkSessionId(id)
    checkText('reference', reference)
    checkText('location', location)
    checkText('peer', peer)

    this.open(id, reference, location, peer)
  }

  /**
   * The session with this id, which is registered if there is none. For those who keep
   * it, so that it need not be looked up for all of its bytes.
   *
   * @returns one that is over where the collector is stopped
   */
  open (id: string, reference: string, location: string, peer: string): LiveSession {
    const known = this.#sessions.get(id)

    if (known != null) {
      return known
    }

    const session = new LiveSession({
      id,
      reference,
      location: location === '' ? UNKNOWN : location,
      peer: peer === '' ? UNKNOWN : peer,
      step: this.#ticker.step()
    })

    if (this.#running) {
      this.#sessions.add(session)
      this.#ticker.wake()
      this.#observer?.added(session)
    } else {
      session.over = true
    }

    return session
  }

  activate (id: string): boolean {
    const session = this.#sessions.get(id)

    if (session == null || session.active) {
      return false
    }

    this.#sessions.seen(session, this.#ticker.step())

    return true
  }

  registerAndActivate (id: string, reference: string, location: string, peer: string): void {
    this.register(id, reference, location, peer)
    this.activate(id)
  }

  extra (id: string, text: string): void {
    checkText('text', text)

    const session = this.#sessions.get(id)

    if (session != null) {
      session.extra = text
    }
  }

  unregister (id: string): void {
    const session = this.#sessions.get(id)

    if (session != null) {
      this.#sessions.end(session)
    }
  }

  ingress (id: string, bytes: number): void {
    const session = this.#find(id, bytes)

    if (session != null) {
      this.received(session, bytes)
    }
  }

  egress (id: string, bytes: number): void {
    const session = this.#find(id, bytes)

    if (session != null) {
      this.sent(session, bytes)
    }
  }

  /**
   * Counts bytes that a session of this collector has received, which must not be over
   *
   * @param session
   * @param bytes - a whole number above 0
   */
  received (session: LiveSession, bytes: number): void {
    const step = this.#ticker.coarseStep()

    this.#sessions.seen(session, step)
    session.rxBytes += bytes
    session.rx.add(bytes, step)
    this.#rx.add(bytes, step)
  }

  /**
   * The same for bytes that it has sent
   */
  sent (session: LiveSession, bytes: number): void {
    const step = this.#ticker.coarseStep()

    this.#sessions.seen(session, step)
    session.txBytes += bytes
    session.tx.add(bytes, step)
    this.#tx.add(bytes, step)
  }

  ingressBitrate (): number {
    return this.#rx.bitrate(this.#ticker.step())
  }

  egressBitrate (): number {
    return this.#tx.bitrate(this.#ticker.step())
  }

  maxIngressBitrate (): number {
    return this.config.maxRxBitrate
  }

  maxEgressBitrate (): number {
    return this.config.maxTxBitrate
  }

  topIngressBitrate (): number {
    const step = this.#ticker.step()
    let sum = 0

    for (const { active, rx } of this.#sessions.values()) {
      sum += active ? rx.topBitrate(step) : 0
    }

    return sum
  }

  topEgressBitrate (): number {
    const step = this.#ticker.step()
    let sum = 0

    for (const { active, tx } of this.#sessions.values()) {
      sum += active ? tx.topBitrate(step) : 0
    }

    return sum
  }

  isIngressBitrateExceeded (): boolean {
    return exceeds(this.ingressBitrate(), this.config.maxRxBitrate)
  }

  isEgressBitrateExceeded (): boolean {
    return exceeds(this.egressBitrate(), this.config.maxTxBitrate)
  }

  isSessionsExceeded (): boolean {
    const { maxSessions } = this.config

    return maxSessions > 0 && this.#sessions.size >= maxSessions
  }

  isKnownSession (id: string): boolean {
    return this.#sessions.has(id)
  }

  isCollectableIP (ip: string): boolean {
    return this.config.limiter.isAllowed(ip)
  }

  summary (): Summary {
    const { maxSessions, maxRxBitrate, maxTxBitrate } = this.config
    const pendingSessions = this.pendingSessions()

    return {
      maxSessions,
      maxRxBitrate,
      maxTxBitrate,
      currentSessions: this.sessions(),
      ...(pendingSessions > 0 ? { pendingSessions } : {}),
      currentRxBitrate: this.ingressBitrate(),
      currentTxBitrate: this.egressBitrate(),
      active: this.active(),
      summary: this.history.summary()
    }
  }

  active (): Session[] {
    const step = this.#ticker.step()
    const sessions: Session[] = []

    for (const session of this.#sessions.values()) {
      if (session.active) {
        sessions.push(session.toSession(step))
      }
    }

    return sessions
  }

  sessionTopIngressBitrate (id: string): number {
    return this.#sessions.get(id)?.rx.topBitrate(this.#ticker.step()) ?? 0
  }

  sessionTopEgressBitrate (id: string): number {
    return this.#sessions.get(id)?.tx.topBitrate(this.#ticker.step()) ?? 0
  }

  sessionSetTopIngressBitrate (id: string, bitrate: number): void {
    checkTopBitrate(bitrate)
    this.#sessions.get(id)?.rx.setTopBitrate(bitrate, this.#ticker.step())
  }

  sessionSetTopEgressBitrate (id: string, bitrate: number): void {
    checkTopBitrate(bitrate)
    this.#sessions.get(id)?.tx.setTopBitrate(bitrate, this.#ticker.step())
  }

  sessions (): number {
    return this.#sessions.activeSize
  }

  pendingSessions (): number {
    return this.#sessions.size - this.#sessions.activeSize
  }

  maxSessions (): number {
    return this.config.maxSessions
  }

  addCompanion (collector: Collector): void {
    if (collector === this || typeof collector?.ingressBitrate !== 'function') {
      throw invalid('collector', 'another collector', collector === this ? 'this one' : collector)
    }

    this.#companions.add(collector)
  }

  companionIngressBitrate (): number {
    return this.#withCompanions(collector => collector.ingressBitrate())
  }

  companionEgressBitrate (): number {
    return this.#withCompanions(collector => collector.egressBitrate())
  }

  companionTopIngressBitrate (): number {
    return this.#withCompanions(collector => collector.topIngressBitrate())
  }

  companionTopEgressBitrate (): number {
    return this.#withCompanions(collector => collector.topEgressBitrate())
  }

  start (): void {
    this.#running = true
    this.#ticker.add(this)
  }

  stop (): void {
    this.#running = false
    this.#sessions.endAll()
    this.#ticker.remove(this)
  }

  tick (step: number): TickResult {
    if (this.#sessions.endIdle(step, SESSIONS_PER_TICK) === 0) {
      return 'busy'
    }

    return this.#sessions.size === 0 ? 'idle' : 'waiting'
  }

  /**
   * The session that bytes are counted for, if there are both
   */
  #find (id: string, bytes: number): LiveSession | undefined {
    checkBytes(bytes)

    return bytes === 0 ? undefined : this.#sessions.get(id)
  }

  #ended (session: LiveSession): void {
    const { active, location, peer, reference, rxBytes, txBytes } = session

    this.#observer?.removed(session)

    if (!active) {
      return
    }

    this.history.add({ location, peer, reference, totalSessions: 1, totalRxBytes: rxBytes, totalTxBytes: txBytes })
    // somebody may wait for the history to change
    this.#ticker.wake()
  }

  #withCompanions (bitrate: (collector: Collector) => number): number {
    let sum = bitrate(this)

    for (const companion of this.#companions) {
      sum += bitrate(companion)
    }

    return sum
  }
}

function exceeds (bitrate: number, max: number): boolean {
  return max > 0 && bitrate > max
}

/**
 * A collector that is in no registry. Its history is lost with it, and it has a timer of its
 * own while there are sessions.
 *
 * @throws {InvalidParametersError} If an option cannot be used
 */
export function createCollector (config: CollectorConfig = {}): Collector {
  checkDescribed('config', config, COLLECTOR_OPTIONS)

  return new DefaultCollector(config)
}
