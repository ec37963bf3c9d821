type Listener = (message: string) => void

/**
 * What was opened for a channel
 */
export interface Subscription {
  /** It is told of messages */
  readonly ready: Promise<unknown>
  close(): void
}

interface Shared extends Subscription {
  readonly listeners: Set<Listener>
}

/**
 * The listeners of one client: several nodes of a fleet may share a client
 */
export class Subscriptions {
  readonly #open: (channel: string, listener: Listener) => Subscription
  readonly #shared = new Map<string, Shared>()

  /**
   * @param open - listens to a channel. It is called once for all who do.
   */
  constructor (open: (channel: string, listener: Listener) => Subscription) {
    this.#open = open
  }

  async subscribe (channel: string, listener: Listener): Promise<void> {
    let shared = this.#shared.get(channel)

    if (shared === undefined) {
      const listeners = new Set<Listener>()

      shared = { listeners, ...this.#open(channel, message => { listeners.forEach(tell => { tell(message) }) }) }
      this.#shared.set(channel, shared)
    }

    shared.listeners.add(listener)
    await shared.ready
  }

  /**
   * @param channel
   * @param listener - nobody listens any more without one
   */
  unsubscribe (channel: string, listener?: Listener): void {
    const shared = this.#shared.get(channel)

    if (listener === undefined) {
      shared?.listeners.clear()
    } else {
      shared?.listeners.delete(listener)
    }

    if (shared?.listeners.size === 0) {
      this.#shared.delete(channel)
      shared.close()
    }
  }
}
