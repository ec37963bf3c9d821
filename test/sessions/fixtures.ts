import { Key } from 'interface-datastore/key'
import sinon from 'sinon'
import type { SinonFakeTimers } from 'sinon'

/**
 * Any point in time, in ms since 1970
 */
export const START = 1_700_000_000_000

/**
 * Timers and clocks that stand still until they are told to go on. Promises are real.
 */
export function stopTime (): SinonFakeTimers {
  return sinon.useFakeTimers({ now: START, toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
}

/**
 * Lets everything that waits for promises go on
 */
export async function settle (): Promise<void> {
  for (let i = 0; i < 50; i++) {
    await Promise.resolve()
  }
}

/**
 * A datastore that can be made to fail, and that answers only after its caller has
 * gone on
 */
export class TestDatastore {
  readonly records = new Map<string, Uint8Array>()
  failing?: 'has' | 'get' | 'put'
  // what everything waits for
  hanging?: Promise<void>
  writes = 0

  async has (key: Key): Promise<boolean> {
    await this.#answer('has')

    return this.records.has(key.toString())
  }

  async get (key: Key): Promise<Uint8Array> {
    await this.#answer('get')

    const record = this.records.get(key.toString())

    if (record == null) {
      throw new Error(`Nothing is stored as ${key}`)
    }

    return record
  }

  async put (key: Key, value: Uint8Array): Promise<Key> {
    await this.#answer('put')
    this.records.set(key.toString(), value)
    this.writes++

    return key
  }

  async delete (key: Key): Promise<void> {
    await this.hanging
    this.records.delete(key.toString())
  }

  text (key: string): string | undefined {
    const record = this.records.get(key)

    return record == null ? undefined : new TextDecoder().decode(record)
  }

  setText (key: string, text: string): void {
    this.records.set(key, new TextEncoder().encode(text))
  }

  async #answer (operation: 'has' | 'get' | 'put'): Promise<void> {
    await this.hanging

    if (this.failing === operation) {
      throw new Error(`cannot ${operation}`)
    }
  }
}

export const KEY = new Key('/test/sessions')
