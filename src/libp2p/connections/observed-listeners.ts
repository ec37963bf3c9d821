import type { CreateListenerOptions, Listener, Transport } from '@libp2p/interface'

/**
 * Tells of all listeners that transports make from now on
 */
export class ObservedListeners {
  readonly #made: (listener: Listener, transport: Transport) => void
  readonly #transports = new WeakSet<Transport>()

  constructor (made: (listener: Listener, transport: Transport) => void) {
    this.#made = made
  }

  /**
   * A second time does nothing
   */
  of (transport: Transport): void {
    if (this.#transports.has(transport) || !Object.isExtensible(transport)) {
      return
    }

    const createListener = transport.createListener.bind(transport)

    this.#transports.add(transport)
    transport.createListener = (options: CreateListenerOptions) => {
      const listener = createListener(options)

      this.#made(listener, transport)

      return listener
    }
  }
}
