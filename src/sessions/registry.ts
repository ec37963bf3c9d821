/**
 * Throughput sessions: who transfers how much, and whether that is too much.
 *
 * In: the bytes that each session has received and sent.
 * Out: bit rates, totals and histories of each collector, and whether one of its limits is exceeded.
 * Fails: an id or an option that cannot be used is an `InvalidParametersError`. A history that cannot
 * be read or written is a warning, and counting goes on.
 * Costs: a few additions for each message, and once a second one step for each active session.
 */

import { ANY, checkDescribed } from '../util/description.ts'
import { checkObject, invalid } from '../util/validation.ts'
import { WarningLog } from '../util/warning-log.ts'
import { checkCollectorId, collectorId } from './arguments.ts'
import { COLLECTOR_OPTIONS } from './collector-config.ts'
import { DefaultCollector } from './default-collector.ts'
import { HistoryStore } from './history-store.ts'
import { NullCollector } from './null-collector.ts'
import { Persistence } from './persistence.ts'
import { Ticker } from './ticker.ts'
import type { CollectorConfig } from './collector-config.ts'
import type { Collector, Summary } from './collector.ts'
import type { HistoryStoreInit } from './history-store.ts'
import type { CollectorObserver, SessionObserver } from './session-observer.ts'
import type { Session } from './session.ts'
import type { TickerInit } from './ticker.ts'
import type { Logger, Startable } from '@libp2p/interface'

/**
 * Options of a registry of collectors
 */
export interface SessionRegistryInit extends TickerInit {
  /**
   * Where the histories of the collectors are kept. They are read when the registry
   * is started.
   *
   * @default histories are lost at the end of the process
   */
  persistence?: HistoryStoreInit

  /**
   * Where it is logged that a history could not be read or written
   *
   * @default it is not logged
   */
  log?: Logger

  /**
   * Who is told of every session that begins or ends
   *
   * @default nobody
   */
  observer?: SessionObserver
}

/**
 * What the collectors know
 */
export interface SessionRegistryReader {
  /**
   * The ids of the collectors
   */
  collectors(): string[]

  /**
   * The collector with this id, or of the service with this name, `undefined` if there is
   * none
   */
  collector(id: string): Collector | undefined

  /**
   * The same, but for an unknown id it returns a `NullCollector`, which counts and limits
   * nothing, as in Go.
   */
  collectorOrNull(id: string): Collector

  /**
   * The summary of a collector, by its id or the name of its service. An empty one if there
   * is no such collector: `collector` tells them apart.
   */
  summary(id: string): Summary

  /**
   * The active sessions of a collector, by its id or the name of its service, the oldest
   * first. None if there is no such collector.
   */
  active(id: string): Session[]
}

const INIT = { log: ANY, now: ANY, observer: ANY, persistence: ANY } as const satisfies Record<keyof SessionRegistryInit, typeof ANY>

interface RegisteredCollector {
  collector: DefaultCollector
  persistence?: Persistence
}

/**
 * Collectors by their id. However many sessions they have, together they need one
 * timer.
 *
 * Collectors can be registered and used at any time. `start` reads the histories; `stop` ends
 * all sessions and writes the histories.
 */
export class SessionRegistry implements SessionRegistryReader, Startable {
  readonly #ticker: Ticker
  readonly #store?: HistoryStore
  readonly #warnings?: WarningLog
  readonly #observer?: SessionObserver
  readonly #registered = new Map<string, RegisteredCollector>()
  #started = false

  /**
   * @throws {InvalidParametersError} If the persistence lacks a datastore or a key
   */
  constructor (init: SessionRegistryInit = {}) {
    checkDescribed('init', init, INIT)

    const { log, now, observer, persistence } = init

    checkPersistence(persistence)

    this.#ticker = new Ticker({ now })
    this.#store = persistence == null ? undefined : new HistoryStore(persistence)
    this.#warnings = log == null ? undefined : new WarningLog(log, now)
    this.#observer = observer
  }

  /**
   * Makes a collector
   *
   * @param id - letters and digits
   * @param config
   * @throws {InvalidParametersError} If the id is anything else or taken, or if an
   * option cannot be used
   */
  register (id: string, config: CollectorConfig = {}): Collector {
    checkCollectorId(id)

    if (this.#registered.has(id)) {
      throw invalid('id', 'one that is not registered', id)
    }

    checkDescribed('config', config, COLLECTOR_OPTIONS)

    const collector = new DefaultCollector(config, this.#ticker, this.#observe(id))
    const persistence = this.#persist(id, collector)

    this.#registered.set(id, { collector, persistence })

    if (this.#started) {
      void persistence?.start()
    }

    return collector
  }

  /**
   * Stops a collector and forgets it
   *
   * @returns When its history has been written
   * @throws {InvalidParametersError} If there is no collector with this id
   */
  async unregister (id: string): Promise<void> {
    const registered = this.#registered.get(toId(id))

    if (registered == null) {
      throw invalid('id', 'a registered one', id)
    }

    this.#registered.delete(toId(id))
    registered.collector.stop()
    await registered.persistence?.stop()
  }

  /**
   * Stops all collectors and forgets them
   *
   * @returns When their histories have been written
   */
  async unregisterAll (): Promise<void> {
    await Promise.all(this.collectors().map(async id => this.unregister(id)))
  }

  collectors (): string[] {
    return [...this.#registered.keys()]
  }

  collector (id: string): Collector | undefined {
    return this.#registered.get(toId(id))?.collector
  }

  collectorOrNull (id: string): Collector {
    return this.collector(id) ?? new NullCollector()
  }

  summary (id: string): Summary {
    return this.collectorOrNull(id).summary()
  }

  active (id: string): Session[] {
    return this.collector(id)?.active() ?? []
  }

  /**
   * @returns When the histories have been read, or could not be read
   */
  async start (): Promise<void> {
    this.#started = true

    await Promise.all(Array.from(this.#registered.values(), async ({ collector, persistence }) => {
      collector.start()
      await persistence?.start()
    }))
  }

  /**
   * Ends all sessions. The collectors stay registered, but have no new sessions until
   * the registry is started again.
   *
   * @returns When the histories have been written, or could not be written
   */
  async stop (): Promise<void> {
    this.#started = false

    await Promise.all(Array.from(this.#registered.values(), async ({ collector, persistence }) => {
      collector.stop()
      await persistence?.stop()
    }))
  }

  #observe (id: string): CollectorObserver | undefined {
    const observer = this.#observer

    return observer == null
      ? undefined
      : {
          added: session => { observer.sessionAdded(id, session) },
          removed: session => { observer.sessionRemoved(id, session) }
        }
  }

  #persist (id: string, { config, history }: DefaultCollector): Persistence | undefined {
    if (this.#store == null) {
      return undefined
    }

    return new Persistence({
      id,
      history,
      store: this.#store,
      ticker: this.#ticker,
      interval: config.persistInterval,
      warn: message => { this.#warnings?.warn(message) }
    })
  }
}

/**
 * The id of a collector, which may be found by the name of its service too
 */
function toId (name: string): string {
  return typeof name === 'string' ? collectorId(name) : name
}

function checkPersistence (persistence?: HistoryStoreInit): void {
  if (persistence == null) {
    return
  }

  checkObject('persistence', persistence)

  if (typeof persistence.datastore?.put !== 'function') {
    throw invalid('persistence.datastore', 'a datastore', persistence.datastore)
  }

  if (typeof persistence.key?.instance !== 'function') {
    throw invalid('persistence.key', 'a key', persistence.key)
  }

  if (persistence.formerKey != null && typeof persistence.formerKey.instance !== 'function') {
    throw invalid('persistence.formerKey', 'a key', persistence.formerKey)
  }
}
