import { checkDescribed } from '../util/description.ts'
import { invalid } from '../util/validation.ts'
import { checkBytes, checkSessionId, checkText, checkTopBitrate } from './arguments.ts'
import { COLLECTOR_OPTIONS } from './collector-config.ts'
import { SessionCounter } from './session-counter.ts'
import type { CollectorConfig } from './collector-config.ts'
import type { Collector, Summary } from './collector.ts'
import type { ActiveSession, Session } from './session.ts'

/**
 * Answers for the sessions of one collector by their ids, and checks what it is given
 */
export class DefaultCollector extends SessionCounter implements Collector {
  readonly #companions = new Set<Collector>()

  register (id: string, reference: string, location: string, peer: string): void {
    checkSessionId(id)
    checkText('reference', reference)
    checkText('location', location)
    checkText('peer', peer)

    this.open(id, reference, location, peer)
  }

  activate (id: string): boolean {
    const session = this.table.get(id)

    if (session == null || session.active) {
      return false
    }

    this.table.seen(session, this.ticker.step())

    return true
  }

  registerAndActivate (id: string, reference: string, location: string, peer: string): void {
    this.register(id, reference, location, peer)
    this.activate(id)
  }

  extra (id: string, text: string): void {
    checkText('text', text)

    const session = this.table.get(id)

    if (session != null) {
      session.extra = text
    }
  }

  unregister (id: string): void {
    const session = this.table.get(id)

    if (session != null) {
      this.table.end(session)
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

  maxIngressBitrate (): number {
    return this.config.maxRxBitrate
  }

  maxEgressBitrate (): number {
    return this.config.maxTxBitrate
  }

  topIngressBitrate (): number {
    const step = this.ticker.step()
    let sum = 0

    for (const { active, rx } of this.table.values()) {
      sum += active ? rx.topBitrate(step) : 0
    }

    return sum
  }

  topEgressBitrate (): number {
    const step = this.ticker.step()
    let sum = 0

    for (const { active, tx } of this.table.values()) {
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

    return maxSessions > 0 && this.table.size >= maxSessions
  }

  isKnownSession (id: string): boolean {
    return this.table.has(id)
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
    const step = this.ticker.step()
    const sessions: Session[] = []

    for (const session of this.table.values()) {
      if (session.active) {
        sessions.push(session.toSession(step))
      }
    }

    return sessions
  }

  sessionTopIngressBitrate (id: string): number {
    return this.table.get(id)?.rx.topBitrate(this.ticker.step()) ?? 0
  }

  sessionTopEgressBitrate (id: string): number {
    return this.table.get(id)?.tx.topBitrate(this.ticker.step()) ?? 0
  }

  sessionSetTopIngressBitrate (id: string, bitrate: number): void {
    checkTopBitrate(bitrate)
    this.table.get(id)?.rx.setTopBitrate(bitrate, this.ticker.step())
  }

  sessionSetTopEgressBitrate (id: string, bitrate: number): void {
    checkTopBitrate(bitrate)
    this.table.get(id)?.tx.setTopBitrate(bitrate, this.ticker.step())
  }

  sessions (): number {
    return this.table.activeSize
  }

  pendingSessions (): number {
    return this.table.size - this.table.activeSize
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

  /**
   * The session that bytes are counted for, if there are both
   */
  #find (id: string, bytes: number): ActiveSession | undefined {
    checkBytes(bytes)

    return bytes === 0 ? undefined : this.table.get(id)
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
