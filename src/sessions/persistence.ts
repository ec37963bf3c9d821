import { toSteps } from './ticker.ts'
import type { HistoryStore } from './history-store.ts'
import type { History } from './history.ts'
import type { TickResult, TickTask, Ticker } from './ticker.ts'

export interface PersistenceInit {
  /**
   * The name of the history in the store
   */
  id: string

  history: History
  store: HistoryStore
  ticker: Ticker

  /**
   * How often the history is written at most, in ms. 0 means only at `stop`.
   */
  interval: number

  /**
   * Called with what could not be read or written, instead of throwing
   */
  warn(message: string): void
}

/**
 * Keeps a history across restarts: it is read at `start`, and written at intervals
 * and at `stop` if there is something new.
 *
 * A datastore that fails never loses its content. The stored history is added to this one
 * before it is overwritten; if it cannot be read, that is tried again whenever it is time to
 * write.
 */
export class Persistence implements TickTask {
  readonly #init: PersistenceInit
  readonly #intervalSteps: number
  #loaded = false
  #savedRevision: number
  #busy = false
  #lastSync: number

  constructor (init: PersistenceInit) {
    this.#init = init
    this.#intervalSteps = toSteps(init.interval)
    this.#savedRevision = init.history.revision
    this.#lastSync = init.ticker.step()
  }

  /**
   * @returns When what is stored has been added to the history
   */
  async start (): Promise<void> {
    this.#init.ticker.add(this)
    await this.#sync()
  }

  /**
   * @returns When the history has been written
   */
  async stop (): Promise<void> {
    this.#init.ticker.remove(this)
    await this.#sync()
  }

  tick (step: number): TickResult {
    if (this.#intervalSteps === 0 || !this.#isDirty) {
      return 'idle'
    }

    if (!this.#busy && step >= this.#lastSync + this.#intervalSteps) {
      void this.#sync()
    }

    return 'waiting'
  }

  get #isDirty (): boolean {
    return this.#init.history.revision !== this.#savedRevision
  }

  /**
   * Reads the history unless that has been done, and writes it if there is something
   * new
   */
  async #sync (): Promise<void> {
    const { id, store, ticker, warn } = this.#init

    this.#busy = true
    this.#lastSync = ticker.step()

    try {
      await store.exclusive(async () => {
        await this.#load()
        await this.#save()
      })
    } catch (err: any) {
      warn(`history of collector ${id} was not read or written: ${err}`)
    } finally {
      this.#busy = false
    }
  }

  async #load (): Promise<void> {
    if (this.#loaded) {
      return
    }

    const { history, id, store, warn } = this.#init
    const record = await store.load(id, reason => { warn(`history of collector ${id} is damaged: ${reason}`) })
    const wasDirty = this.#isDirty

    if (record != null) {
      history.addEarlier(record)
    }

    this.#loaded = true

    if (!wasDirty) {
      this.#savedRevision = history.revision
    }
  }

  async #save (): Promise<void> {
    const { history, id, store } = this.#init
    const { revision } = history

    if (revision !== this.#savedRevision) {
      await store.save(id, history.toRecord())
      this.#savedRevision = revision
    }
  }
}
