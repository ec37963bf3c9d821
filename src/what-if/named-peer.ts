import type { PeerId } from '@libp2p/interface'

/**
 * A peer of which only the name is known, as in a trace, where it may be no valid id. The graph
 * needs no more than that.
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
   * By which the graph recognises peer ids, and which it never calls
   */
  toMultihash (): never {
    throw new Error('only the name of this peer is known')
  }
}

export const NamedPeer = PeerName as unknown as new (name: string) => PeerId
