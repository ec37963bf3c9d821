/**
 * How long one that has given way may not make others do so, in ms
 */
const PENALTY = 10_000

/**
 * How many are remembered. With more the oldest are forgotten.
 */
const CAPACITY = 1024

/**
 * The hosts whose connections gave way lately. Whoever reconnects at once would have given
 * way for nothing, and could go on like this as fast as it can.
 */
export class PenalisedHosts {
  readonly #until = new Map<string, number>()
  readonly #now: () => number

  constructor (now: () => number) {
    this.#now = now
  }

  get size (): number {
    return this.#until.size
  }

  add (host: string): void {
    // those that end first stay first
    this.#until.delete(host)
    this.#until.set(host, this.#now() + PENALTY)

    if (this.#until.size > CAPACITY) {
      this.#until.delete(this.#until.keys().next().value as string)
    }
  }

  has (host: string): boolean {
    const until = this.#until.get(host)

    if (until === undefined) {
      return false
    }

    if (until > this.#now()) {
      return true
    }

    this.#until.delete(host)

    return false
  }
}
