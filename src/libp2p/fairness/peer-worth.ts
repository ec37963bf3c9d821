import { KEEP_ALIVE } from '@libp2p/interface'
import { PROTECTED } from '../../fairness/fair-pool.ts'
import type { Libp2pEvents, Peer, PeerId, PeerStore, TypedEventTarget } from '@libp2p/interface'

/**
 * How many peers are remembered. Only this node tags peers. With more, the oldest are forgotten
 * until their tags are read again.
 */
const CAPACITY = 10_000

/**
 * How often the tags of connected peers are read while it matters, in ms: nobody tells when
 * a tag expires
 */
const READ_INTERVAL = 10_000

/**
 * How much peers are worth by their tags, ready for the decision who gives way. The connection
 * manager closes connections by the same measure: the sum of the values of all tags. Peers with
 * a keep-alive tag are reconnected.
 */
export class PeerWorth {
  readonly #peerStore: Pick<PeerStore, 'get'>
  readonly #changed: (peer: string) => void
  readonly #worth = new Map<string, number>()
  #readAt = -Infinity
  #stopped = false

  /**
   * @param events - of the node
   * @param peerStore - where peers are tagged
   * @param changed - is told of peers whose worth has changed
   */
  constructor (events: TypedEventTarget<Libp2pEvents>, peerStore: Pick<PeerStore, 'get'>, changed: (peer: string) => void) {
    this.#peerStore = peerStore
    this.#changed = changed
    events.addEventListener('peer:update', ({ detail: { peer } }) => { this.#update(peer.id.toString(), worthOf(peer)) })
  }

  /**
   * 0 for those who have no tags
   */
  of (peer: string): number {
    return this.#worth.get(peer) ?? 0
  }

  start (): void {
    this.#stopped = false
  }

  stop (): void {
    this.#stopped = true
  }

  /**
   * Reads the tags of some peers, in the background, if that is due
   *
   * @param now - in ms
   * @param list
   */
  refresh (now: number, list: () => PeerId[]): void {
    if (now >= this.#readAt + READ_INTERVAL) {
      // not again while this has not ended
      this.#readAt = Infinity
      void this.#read(list()).finally(() => { this.#readAt = now })
    }
  }

  async #read (peers: PeerId[]): Promise<void> {
    for (const peer of peers) {
      if (this.#stopped) {
        return
      }

      try {
        this.#update(peer.toString(), worthOf(await this.#peerStore.get(peer)))
      } catch {
        // nothing is known of it, or the datastore has a problem that others will report
      }
    }
  }

  #update (peer: string, worth: number): void {
    if (worth === this.of(peer)) {
      return
    }

    this.#worth.delete(peer)

    if (worth > 0) {
      this.#worth.set(peer, worth)
    }

    if (this.#worth.size > CAPACITY) {
      this.#worth.delete(this.#worth.keys().next().value as string)
    }

    this.#changed(peer)
  }
}

function worthOf ({ tags }: Peer): number {
  let worth = 0

  for (const [name, { value }] of tags) {
    if (name.startsWith(KEEP_ALIVE)) {
      return PROTECTED
    }

    worth += value
  }

  return worth
}
