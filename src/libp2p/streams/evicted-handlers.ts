/**
 * How many handlers of streams that gave way to one network may run at a time
 */
const PER_NETWORK = 16

/**
 * Counts the handlers that run on after their stream has given way: the place is free at once,
 * but the handler still uses memory and time. So each network that others give way to may cause
 * a bounded number of these; after that, its streams are refused. A network with ever new peers
 * cannot make a node run any number of handlers, and uses up nothing of what other networks may
 * cause.
 *
 * Most handlers end as soon as their stream does.
 */
export class EvictedHandlers {
  readonly #running = new Map<string, number>()

  /**
   * Whether one more may run on for a network
   */
  allows (network: string): boolean {
    return (this.#running.get(network) ?? 0) < PER_NETWORK
  }

  add (network: string): void {
    this.#running.set(network, (this.#running.get(network) ?? 0) + 1)
  }

  delete (network: string): void {
    const running = (this.#running.get(network) ?? 0) - 1

    if (running > 0) {
      this.#running.set(network, running)
    } else {
      this.#running.delete(network)
    }
  }

  get size (): number {
    return [...this.#running.values()].reduce((sum, running) => sum + running, 0)
  }
}
