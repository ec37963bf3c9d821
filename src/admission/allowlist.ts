import { ipFromMultiaddr } from '../util/ip-from-address.ts'
import { peerInAddress } from '../util/peers-in-address.ts'
import { toMultiaddr } from '../util/to-multiaddr.ts'
import { parseEntry } from './allowlist-entry.ts'
import { TrustedNetworks } from './trusted-networks.ts'
import { TrustedPeers } from './trusted-peers.ts'
import type { AllowlistEntry } from './allowlist-entry.ts'
import type { PeerTags } from './trusted-peers.ts'
import type { IPAddress } from '../util/ip-address.ts'
import type { IPNetwork } from '../util/ip-network.ts'
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

export interface AllowlistInit {
  /**
   * @default []
   */
  entries?: AllowlistEntry[]

  /**
   * Called when a network was added for everybody, or removed
   */
  onNetworksChange?(): void

  /**
   * Is told what is wrong with a predicate, instead of throwing
   */
  warn?(message: string): void
}

/**
 * Addresses and peers that are trusted. When there is no room for a connection with one of
 * them, it is opened under limits of its own; see the documentation of the resource
 * manager.
 *
 * An entry is a multiaddr, or the text of one, that begins with an IP address or a network, and may name
 * the peer that is trusted there:
 *
 * - `/ip4/1.2.3.4`
 * - `/ip4/1.2.3.0/ipcidr/24`
 * - `/ip6/2001:db8::/ipcidr/32/p2p/12D3Koo…`
 *
 * Or it names a peer that is trusted wherever it is, as soon as it has proved that it is this
 * peer. Until then the limits of its address apply:
 *
 * - `/p2p/12D3Koo…`
 * - `/dnsaddr/bootstrap.libp2p.io/p2p/12D3Koo…`, or any address without an IP address that ends
 * with a peer id: nothing is looked up
 * - `peer => boolean`, which has to answer at once
 * - `{ tag: 'my-app' }`: the peers that have this tag in the peer store of the node
 *
 * What else is in it, such as a port, makes no difference.
 *
 * An entry that was added twice has to be removed twice.
 */
export class Allowlist {
  readonly #networks = new TrustedNetworks()
  // the entries as they were added, by network and peer
  readonly #entries = new Map<string, Multiaddr>()
  readonly #anywhere: TrustedPeers

  /**
   * @throws {InvalidParametersError} naming the entry that cannot be used
   */
  constructor (init: AllowlistInit = {}) {
    this.#anywhere = new TrustedPeers(init.warn)

    for (const entry of init.entries ?? []) {
      this.add(entry)
    }

    // who asks for the first ones is told of those that follow
    this.#networks.onChange = init.onNetworksChange
  }

  /**
   * Trusts an address, a network, a peer there, or peers at any address
   *
   * @param entry - such as `/ip4/1.2.3.4`, `/ip4/1.2.3.0/ipcidr/24/p2p/12D3Koo…` or
   * `/p2p/12D3Koo…`
   * @throws {InvalidParametersError} if it is neither an address with an IP nor one that ends
   * with a peer id, if the prefix length does not fit, or if the peer is not a peer id
   */
  add (entry: AllowlistEntry): void {
    const parsed = parseEntry(entry)

    if ('predicate' in parsed) {
      this.#anywhere.addPredicate(parsed.predicate)
    } else if ('tag' in parsed) {
      this.#anywhere.addTag(parsed.tag)
    } else {
      const name = entryName(parsed.network, parsed.peer)

      if (!this.#entries.has(name)) {
        this.#entries.set(name, parsed.address)
      }

      if (parsed.network == null) {
        this.#anywhere.addPeer(parsed.peer)
      } else {
        this.#networks.add(parsed.network, parsed.peer)
      }
    }
  }

  /**
   * Takes an entry back. Connections that were opened because of it stay open.
   *
   * @param entry - the same network, and the same peer if it was added with one; the same
   * predicate or tag
   * @returns false if there is no such entry
   * @throws {InvalidParametersError} if it could not have been added either
   */
  remove (entry: AllowlistEntry): boolean {
    const parsed = parseEntry(entry)

    if ('predicate' in parsed) {
      return this.#anywhere.removePredicate(parsed.predicate) > 0
    }

    if ('tag' in parsed) {
      return this.#anywhere.removeTag(parsed.tag) > 0
    }

    const { network, peer } = parsed
    const count = network == null ? this.#anywhere.removePeer(peer) : this.#networks.remove(network, peer)

    if (count === 1) {
      this.#entries.delete(entryName(network, peer))
    }

    return count > 0
  }

  /**
   * Whether some peer is trusted at an address
   *
   * @throws {InvalidParametersError} if it is no address
   */
  allowed (address: Multiaddr | string): boolean {
    const checked = toMultiaddr(address, 'address')
    const ip = this.#entries.size === 0 ? undefined : ipFromMultiaddr(checked)

    return ip != null && this.allowedIP(ip)
  }

  /**
   * Whether some peer is trusted at an IP address
   */
  allowedIP (ip: IPAddress): boolean {
    return this.#networks.has(ip)
  }

  /**
   * Whether nobody is trusted, so that no other question is needed
   */
  get empty (): boolean {
    return this.#entries.size === 0 && this.#anywhere.empty
  }

  /**
   * Whether a peer is trusted wherever it is
   */
  allowedPeer (peer: PeerId): boolean {
    return !this.#anywhere.empty && this.#anywhere.has(peer)
  }

  /**
   * Whether the peer at the end of an address, which a dial expects there, is trusted at any
   * address
   */
  allowedDial (address: Multiaddr): boolean {
    const peer = peerInAddress(address)

    return peer != null && this.allowedPeer(peer)
  }

  /**
   * Whether there may be peers that are trusted at any address
   */
  get namesPeers (): boolean {
    return !this.#anywhere.empty
  }

  /**
   * The tags that make a peer trusted
   */
  get tags (): Iterable<string> {
    return this.#anywhere.tags
  }

  /**
   * Uses the tags of a peer store
   */
  useTags (tags: PeerTags): void {
    this.#anywhere.peerTags = tags
  }

  /**
   * The peers that are trusted at any address, for people: how many peers, tags and predicates
   */
  get peersText (): string {
    return this.#anywhere.toString()
  }

  /**
   * Whether a peer is trusted at an address, there or anywhere
   *
   * @throws {InvalidParametersError} if it is no address
   */
  allowedPeerAndMultiaddr (peer: PeerId, address: Multiaddr | string): boolean {
    const checked = toMultiaddr(address, 'address')

    if (this.allowedPeer(peer)) {
      return true
    }

    const ip = this.#entries.size === 0 ? undefined : ipFromMultiaddr(checked)

    return ip != null && this.#networks.trusts(ip, peer.toString())
  }

  /**
   * The entries as they were added, each once
   */
  entries (): AllowlistEntry[] {
    return [
      ...this.#entries.values(),
      ...this.#anywhere.predicates,
      ...Array.from(this.#anywhere.tags, tag => ({ tag }))
    ]
  }

  /**
   * The networks that everybody is trusted in
   */
  networks (): IPNetwork[] {
    return this.#networks.ofEverybody()
  }
}

function entryName (network?: IPNetwork, peer: string = ''): string {
  return `${network ?? ''} ${peer}`
}
