import type { Allowlist } from '../../admission/allowlist.ts'
import type { PeerTags } from '../../admission/trusted-peers.ts'
import type { Libp2pEvents, Peer, PeerId, PeerStore, TypedEventTarget } from '@libp2p/interface'

/**
 * How many peers with tags are remembered. Only this node tags peers. With more, the oldest are
 * forgotten until they connect again.
 */
const CAPACITY = 10_000

/**
 * The tags that make peers trusted, ready for the decision who may have a place. They are read
 * when a peer has proved who it is, and when they change. If no tag makes anybody trusted,
 * nothing is read or remembered.
 */
export class NodePeerTags implements PeerTags {
  readonly #allowlist: Allowlist
  readonly #peerStore: Pick<PeerStore, 'get'>
  readonly #tags = new Map<string, string[]>()

  /**
   * @param events - of the node
   * @param peerStore - where peers are tagged
   * @param allowlist - which tags make them trusted
   */
  constructor (events: TypedEventTarget<Libp2pEvents>, peerStore: Pick<PeerStore, 'get'>, allowlist: Allowlist) {
    this.#allowlist = allowlist
    this.#peerStore = peerStore
    allowlist.useTags(this)
    events.addEventListener('peer:update', ({ detail: { peer } }) => { this.#update(peer.id, peer) })
  }

  has (peer: PeerId, tag: string): boolean {
    return this.#tags.get(peer.toString())?.includes(tag) === true
  }

  /**
   * Whether there is anything to read
   */
  get used (): boolean {
    return this.#wanted.length > 0
  }

  async read (peer: PeerId): Promise<void> {
    try {
      this.#update(peer, await this.#peerStore.get(peer))
    } catch {
      // nothing is known of it, or the datastore has a problem that others will report
      this.#tags.delete(peer.toString())
    }
  }

  get #wanted (): string[] {
    return [...this.#allowlist.tags]
  }

  #update (peer: PeerId, { tags }: Pick<Peer, 'tags'>): void {
    const key = peer.toString()
    const names = this.#wanted.filter(tag => tags.has(tag))

    this.#tags.delete(key)

    if (names.length > 0) {
      this.#tags.set(key, names)
    }

    if (this.#tags.size > CAPACITY) {
      this.#tags.delete(this.#tags.keys().next().value as string)
    }
  }
}
