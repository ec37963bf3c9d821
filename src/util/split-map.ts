/**
 * Up to this many entries are in one `Map`: dividing them takes a fraction of a
 * millisecond
 */
const MAX_UNDIVIDED = 1_024

/**
 * How many parts there are of more entries, a power of two. Each of them has about 1,600
 * where there are 100,000.
 */
const PARTS = 64

/**
 * A map of names. With many names, it is in parts.
 *
 * A `Map` grows or shrinks in one step, which takes ten milliseconds with 100,000 entries. Here
 * each part does so at a different time.
 *
 * Which part a name is in depends on its last two characters: those of peer ids differ
 * as much as any, while all ids begin in the same way. Somebody who chooses names that are
 * all in one part gets what there would be without parts: one `Map`.
 *
 * Names are listed in the order in which they were added, until there are parts.
 */
export class SplitMap<V> {
  #maps: Array<Map<string, V>> = [new Map()]

  get size (): number {
    return this.#maps.reduce((sum, { size }) => sum + size, 0)
  }

  get (name: string): V | undefined {
    return this.#mapOf(name).get(name)
  }

  set (name: string, value: V): void {
    const map = this.#mapOf(name)

    map.set(name, value)

    if (map.size > MAX_UNDIVIDED && this.#maps.length === 1) {
      this.#divide(map)
    }
  }

  delete (name: string): boolean {
    return this.#mapOf(name).delete(name)
  }

  * values (): Generator<V> {
    for (const map of this.#maps) {
      yield * map.values()
    }
  }

  * [Symbol.iterator] (): Generator<[string, V]> {
    for (const map of this.#maps) {
      yield * map
    }
  }

  #mapOf (name: string): Map<string, V> {
    const maps = this.#maps

    if (maps.length === 1) {
      return maps[0]
    }

    const last = name.length - 1

    return maps[(name.charCodeAt(last) + 8 * name.charCodeAt(last - 1)) & (PARTS - 1)]
  }

  #divide (entries: Map<string, V>): void {
    this.#maps = Array.from({ length: PARTS }, () => new Map())

    for (const [name, value] of entries) {
      this.#mapOf(name).set(name, value)
    }
  }
}
