/**
 * How long a host that has given way may not make others give way, in ms
 */
const PENALTY = 10_000

/**
 * How many are remembered. With more the oldest are forgotten.
 */
const CAPACITY = 1024

/**
 * The hosts whose connections gave way lately. If they could make others give way at once, they
 * would have lost nothing, and could repeat that as fast as they can.
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
