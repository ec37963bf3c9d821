import type { PeerId } from '@libp2p/interface'

/**
 * Says whether a peer is trusted. It is asked often, and must answer at once.
 */
export type PeerPredicate = (peer: PeerId) => boolean

/**
 * The peers that have this tag in the peer store of the node
 */
export interface PeerTag {
  /** The tag that trusted peers have in the peer store, such as `my-app` */
  tag: string
}

/**
 * Knows the tags of peers
 */
export interface PeerTags {
  has(peer: PeerId, tag: string): boolean
}

/**
 * Peers that are trusted at any address. A remote has to prove that it is one of them.
 */
export class TrustedPeers {
  readonly #peers = new Map<string, number>()
  readonly #predicates = new Map<PeerPredicate, number>()
  readonly #tags = new Map<string, number>()
  readonly #warn: (message: string) => void

  /**
   * Set on a node
   */
  peerTags?: PeerTags

  /**
   * @param warn - is told what is wrong with a predicate
   */
  constructor (warn: (message: string) => void = () => {}) {
    this.#warn = warn
  }

  /**
   * Whether there is none. A field, because every stream and every refusal reads it.
   */
  empty = true

  /**
   * The names of the tags that make a peer trusted
   */
  get tags (): Iterable<string> {
    return this.#tags.keys()
  }

  get predicates (): Iterable<PeerPredicate> {
    return this.#predicates.keys()
  }

  has (peer: PeerId): boolean {
    if (this.#peers.size > 0 && this.#peers.has(peer.toString())) {
      return true
    }

    for (const predicate of this.#predicates.keys()) {
      if (this.#ask(predicate, peer)) {
        return true
      }
    }

    for (const tag of this.#tags.keys()) {
      if (this.peerTags?.has(peer, tag) === true) {
        return true
      }
    }

    return false
  }

  /**
   * @returns How often it has been added
   */
  addPeer (peer: string): number {
    return this.#changed(add(this.#peers, peer))
  }

  addPredicate (predicate: PeerPredicate): void {
    this.#changed(add(this.#predicates, predicate))
  }

  addTag (tag: string): void {
    this.#changed(add(this.#tags, tag))
  }

  /**
   * @returns How often it had been added: 0 if it is not there
   */
  removePeer (peer: string): number {
    return this.#changed(remove(this.#peers, peer))
  }

  removePredicate (predicate: PeerPredicate): number {
    return this.#changed(remove(this.#predicates, predicate))
  }

  removeTag (tag: string): number {
    return this.#changed(remove(this.#tags, tag))
  }

  /**
   * For people
   */
  toString (): string {
    const counts = [[this.#peers.size, 'peer'], [this.#tags.size, 'tag'], [this.#predicates.size, 'predicate']] as const

    return counts.filter(([count]) => count > 0).map(([count, name]) => `${count} ${name}${count === 1 ? '' : 's'}`).join(', ')
  }

  #changed (count: number): number {
    this.empty = this.#peers.size + this.#predicates.size + this.#tags.size === 0

    return count
  }

  /**
   * Whatever it does, who is not known to be trusted is not
   */
  #ask (predicate: PeerPredicate, peer: PeerId): boolean {
    try {
      const answer: unknown = predicate(peer)

      if (typeof answer !== 'boolean') {
        this.#warn('allowlist: a predicate must answer true or false, and not with a promise')
      }

      // a promise would trust everybody
      return answer === true
    } catch (err) {
      this.#warn(`allowlist: a predicate has failed - ${err}`)

      return false
    }
  }
}

function add <K> (counts: Map<K, number>, key: K): number {
  const count = (counts.get(key) ?? 0) + 1

  counts.set(key, count)

  return count
}

function remove <K> (counts: Map<K, number>, key: K): number {
  const count = counts.get(key) ?? 0

  if (count > 1) {
    counts.set(key, count - 1)
  } else {
    counts.delete(key)
  }

  return count
}
