import { setBackgroundTimer } from '../util/timers.ts'
import { decodeBans, encodeBans } from './ban-record.ts'
import type { Ban } from './ban.ts'
import type { Datastore, Key } from 'interface-datastore'

/**
 * How long changes are collected before they are written, in ms
 */
const INTERVAL = 10_000

export interface BanStoreInit {
  /** Such as the datastore of the node */
  datastore: Pick<Datastore, 'has' | 'get' | 'put'>

  /** Where the bans are. A record that is damaged is set aside under `KEY:damaged`. */
  key: Key

  /** The bans that there are now */
  list(): Ban[]

  /** A ban was kept */
  restore(ban: Ban): void

  /**
   * Called with what could not be read or written, instead of throwing
   */
  warn(message: string): void
}

/**
 * Keeps bans across restarts: they are read at `start`, and written some time after they have
 * changed and at `stop`.
 *
 * A datastore that fails never loses its content: nothing is written before the old record was
 * read. Reading is tried again whenever it is time to write.
 */
export class BanStore {
  readonly #init: BanStoreInit
  #loaded = false
  #changed = false
  #running = false
  #timer?: ReturnType<typeof setTimeout>
  #queue: Promise<void> = Promise.resolve()

  constructor (init: BanStoreInit) {
    this.#init = init
  }

  /**
   * @returns When the bans that were kept are there
   */
  async start (): Promise<void> {
    this.#running = true
    await this.#sync()
  }

  /**
   * @returns When the bans have been written
   */
  async stop (): Promise<void> {
    this.#running = false
    clearTimeout(this.#timer)
    this.#timer = undefined
    await this.#sync()
  }

  /**
   * There is something new
   */
  changed (): void {
    this.#changed = true

    if (this.#running && this.#timer === undefined) {
      this.#timer = setBackgroundTimer(() => {
        this.#timer = undefined
        void this.#sync()
      }, INTERVAL)
    }
  }

  async #sync (): Promise<void> {
    // one after the other: what is read while it is written could be the old one
    this.#queue = this.#queue.then(async () => {
      try {
        await this.#load()
        await this.#save()
      } catch (err) {
        this.#init.warn(`bans were not read or written: ${err}`)
      }
    })

    await this.#queue
  }

  async #load (): Promise<void> {
    if (this.#loaded) {
      return
    }

    const { datastore, key, restore, warn } = this.#init

    if (await datastore.has(key)) {
      const record = await datastore.get(key)

      try {
        decodeBans(record).forEach(ban => { restore(ban) })
      } catch (err: any) {
        const aside = key.instance('damaged')

        await datastore.put(aside, record)
        warn(`bans are damaged: ${err.message}, they were set aside as ${aside}`)
      }
    }

    this.#loaded = true
  }

  async #save (): Promise<void> {
    if (!this.#changed) {
      return
    }

    const { datastore, key, list } = this.#init

    this.#changed = false

    try {
      await datastore.put(key, encodeBans(list()))
    } catch (err) {
      this.changed()
      throw err
    }
  }
}
