/**
 * How many offenders are remembered. One more makes the one forgotten whose last strike is
 * oldest.
 */
const CAPACITY = 4096

/**
 * For how long a refusal counts for all that follow it, in ms. It matters how long somebody
 * goes on, not how large a burst is: a program that wants a thousand streams at once is refused
 * a thousand times.
 */
const ONCE_IN = 1_000

interface Entry {
  count: number
  time: number

  /** When one came by itself last */
  struck: number
}

/**
 * Counts strikes, each of which counts half after some time, and so on
 */
export class Strikes {
  readonly #entries = new Map<string, Entry>()
  readonly #now: () => number

  /** In ms */
  halfLife: number

  /**
   * @param halfLife - in ms
   * @param now - in ms, and never goes back
   */
  constructor (halfLife: number, now: () => number) {
    this.halfLife = halfLife
    this.#now = now
  }

  get size (): number {
    return this.#entries.size
  }

  /**
   * Whether one that comes by itself would count now
   */
  isDue (key: string): boolean {
    const entry = this.#entries.get(key)

    return entry === undefined || this.#now() >= entry.struck + ONCE_IN
  }

  /**
   * @param key - whose it is
   * @param count
   * @param byItself - whether it counts for others that come by themselves
   * @returns How many there are now
   */
  add (key: string, count: number, byItself: boolean): number {
    const now = this.#now()
    const before = this.#entries.get(key)
    const entry = before ?? { count: 0, time: now, struck: -Infinity }

    entry.count = this.#decayed(entry, now) + count
    entry.time = now
    entry.struck = byItself ? now : entry.struck

    // those that have struck last are last
    before !== undefined && this.#entries.delete(key)
    this.#entries.set(key, entry)

    if (this.#entries.size > CAPACITY) {
      this.#entries.delete(this.#entries.keys().next().value as string)
    }

    return entry.count
  }

  countOf (key: string): number {
    const entry = this.#entries.get(key)

    return entry === undefined ? 0 : this.#decayed(entry, this.#now())
  }

  forget (key: string): void {
    this.#entries.delete(key)
  }

  #decayed ({ count, time }: Entry, now: number): number {
    return count * 2 ** ((time - now) / this.halfLife)
  }
}
