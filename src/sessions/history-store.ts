import { decodeHistory, encodeHistory } from './history-record.ts'
import type { HistoryRecord } from './history.ts'
import type { Datastore, Key } from 'interface-datastore'

/**
 * What is used of a datastore
 */
export type HistoryDatastore = Pick<Datastore, 'has' | 'get' | 'put'> & Partial<Pick<Datastore, 'delete'>>

/**
 * Where the histories of collectors are stored
 */
export interface HistoryStoreInit {
  /**
   * Where histories are kept, such as the datastore of the node
   */
  datastore: HistoryDatastore

  /**
   * The prefix of the keys, such as `new Key('/libp2p-resource-manager/sessions')`: a history
   * is under `KEY:ID`, a damaged one is set aside under `KEY:ID:damaged`
   */
  key: Key

  /**
   * The former prefix of the keys. A history that is there, and not under `key`, is moved to
   * `key` when it is read. It is copied where the datastore cannot delete.
   *
   * @default nothing is moved
   */
  formerKey?: Key
}

/**
 * Histories in a datastore. One is a single value, so that it is replaced as a whole
 * or not at all.
 */
export class HistoryStore {
  readonly #datastore: HistoryDatastore
  readonly #key: Key
  readonly #formerKey?: Key
  #queue: Promise<unknown> = Promise.resolve()

  constructor (init: HistoryStoreInit) {
    this.#datastore = init.datastore
    this.#key = init.key
    this.#formerKey = init.formerKey
  }

  /**
   * Runs one function after the other, as a history that is read while it is written
   * could be the old one
   *
   * @returns What the function returns
   */
  async exclusive <T> (fn: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(fn)

    // the next one does not care whether this one has failed, its caller does
    this.#queue = result.catch(() => {})

    return result
  }

  /**
   * A history, `undefined` if there is none. If the record is damaged, it is set aside,
   * which replaces one that was set aside before.
   *
   * @param id - whose history it is
   * @param damaged - called with the reason when a record has been set aside
   * @throws {Error} If the datastore fails
   */
  async load (id: string, damaged: (reason: string) => void): Promise<HistoryRecord | undefined> {
    const key = this.#key.instance(id)
    const bytes = await this.#read(key) ?? await this.#move(id, key)

    if (bytes == null) {
      return
    }

    try {
      return decodeHistory(bytes)
    } catch (err: any) {
      const asideKey = key.instance('damaged')

      await this.#datastore.put(asideKey, bytes)
      damaged(`${err.message}, it was set aside as ${asideKey}`)
    }
  }

  /**
   * @throws {Error} If the datastore fails
   */
  async save (id: string, record: HistoryRecord): Promise<void> {
    await this.#datastore.put(this.#key.instance(id), encodeHistory(record))
  }

  async #read (key: Key): Promise<Uint8Array | undefined> {
    return await this.#datastore.has(key) ? this.#datastore.get(key) : undefined
  }

  /**
   * What is under the former key is written before it is deleted, so that it is never lost
   */
  async #move (id: string, key: Key): Promise<Uint8Array | undefined> {
    const formerKey = this.#formerKey?.instance(id)
    const bytes = formerKey == null ? undefined : await this.#read(formerKey)

    if (formerKey != null && bytes != null) {
      await this.#datastore.put(key, bytes)
      await this.#datastore.delete?.(formerKey)
    }

    return bytes
  }
}
