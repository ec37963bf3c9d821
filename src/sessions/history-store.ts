import { decodeHistory, encodeHistory } from './history-record.ts'
import type { HistoryEntry } from './history.ts'
import type { Datastore, Key } from 'interface-datastore'

/**
 * What is used of a datastore
 */
export type HistoryDatastore = Pick<Datastore, 'has' | 'get' | 'put'>

export interface HistoryStoreInit {
  /**
   * Where histories are kept, such as the datastore of the node
   */
  datastore: HistoryDatastore

  /**
   * What the keys begin with, such as `new Key('/libp2p-resource-manager/sessions')`:
   * a history is under `KEY:ID`, a damaged one is set aside under `KEY:ID:damaged`
   */
  key: Key
}

/**
 * Histories in a datastore. One is a single value, so that it is replaced as a whole
 * or not at all.
 */
export class HistoryStore {
  readonly #datastore: HistoryDatastore
  readonly #key: Key
  #queue: Promise<unknown> = Promise.resolve()

  constructor (init: HistoryStoreInit) {
    this.#datastore = init.datastore
    this.#key = init.key
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
   * The entries of a history, none if there is no such history. If the record is
   * damaged, it is set aside, which replaces one that was set aside before.
   *
   * @param id - whose history it is
   * @param damaged - called with the reason when a record has been set aside
   * @throws {Error} If the datastore fails
   */
  async load (id: string, damaged: (reason: string) => void): Promise<HistoryEntry[]> {
    const key = this.#key.instance(id)

    if (!(await this.#datastore.has(key))) {
      return []
    }

    const record = await this.#datastore.get(key)

    try {
      return decodeHistory(record)
    } catch (err: any) {
      const asideKey = key.instance('damaged')

      await this.#datastore.put(asideKey, record)
      damaged(`${err.message}, it was set aside as ${asideKey}`)

      return []
    }
  }

  /**
   * @throws {Error} If the datastore fails
   */
  async save (id: string, entries: readonly HistoryEntry[]): Promise<void> {
    await this.#datastore.put(this.#key.instance(id), encodeHistory(entries))
  }
}
