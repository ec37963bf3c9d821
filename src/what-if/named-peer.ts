import type { PeerId } from '@libp2p/interface'

/**
 * A peer with nothing but a name, as in a trace, where it may be no valid id. The graph needs
 * no more.
 */
class PeerName {
  readonly #name: string

  constructor (name: string) {
    this.#name = name
  }

  toString (): string {
    return this.#name
  }

  /**
   * Makes the graph take this for a peer id. It is never called.
   */
  toMultihash (): never {
    throw new Error('only the name of this peer is known')
  }
}

export const NamedPeer = PeerName as unknown as new (name: string) => PeerId
