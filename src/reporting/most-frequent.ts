interface Entry<V> {
  count: number
  latest: V
}

/**
 * Finds the key that occurs most often in an endless row without remembering all of
 * them: the space-saving algorithm. A key that makes up more than one part in
 * `capacity` of the row is always found.
 */
export class MostFrequent<K, V> {
  readonly #capacity: number
  readonly #entries = new Map<K, Entry<V>>()

  /** How many keys have come; a key that was dropped and came again counts again */
  #keys = 0

  constructor (capacity: number) {
    this.#capacity = capacity
  }

  add (key: K, value: V): void {
    const entry = this.#entries.get(key)

    if (entry != null) {
      entry.count++
      entry.latest = value
      return
    }

    // a newcomer may have occurred as often as what it takes the place of
    const unseen = this.#entries.size < this.#capacity ? 0 : this.#dropRarest()

    this.#keys++
    this.#entries.set(key, { count: unseen + 1, latest: value })
  }

  /**
   * What was last added for the only key that has occurred, if there was no other
   */
  only (): V | undefined {
    return this.#keys === 1 ? this.top() : undefined
  }

  /**
   * What was last added for the key that occurred most often
   */
  top (): V | undefined {
    let top: Entry<V> | undefined

    for (const entry of this.#entries.values()) {
      if (top == null || entry.count > top.count) {
        top = entry
      }
    }

    return top?.latest
  }

  #dropRarest (): number {
    let rarest: K | undefined
    let least = Infinity

    for (const [key, { count }] of this.#entries) {
      if (count < least) {
        rarest = key
        least = count
      }
    }

    this.#entries.delete(rarest as K)

    return least
  }
}
