import { peerIdFromString } from '@libp2p/peer-id'
import { CODE_IPCIDR, CODE_P2P } from '@multiformats/multiaddr'
import { invalid } from '../validation.ts'
import { ipFromMultiaddr } from './ip-from-address.ts'
import { IPNetwork, parseNetwork } from './ip-network.ts'
import { NetworkMap } from './network-map.ts'
import { toMultiaddr } from './to-multiaddr.ts'
import type { IPAddress } from './ip-address.ts'
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Who is allowlisted in one network
 */
interface AllowedNetwork {
  readonly network: IPNetwork

  /**
   * How often it was added for everybody
   */
  everybody: number

  /**
   * How often it was added for a peer
   */
  readonly peers: Map<string, number>
}

interface Entry {
  readonly network: IPNetwork
  readonly peer?: string
}

export interface AllowlistInit {
  /**
   * @default []
   */
  entries?: Array<Multiaddr | string>

  /**
   * Called when a network was added for everybody, or removed
   */
  onNetworksChange?(): void
}

/**
 * Addresses that are trusted. When there is no room for a connection with one of
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
 * What else is in it, such as a port, makes no difference.
 *
 * An entry that was added twice has to be removed twice.
 */
export class Allowlist {
  readonly #networks = new NetworkMap<AllowedNetwork>()
  // the networks in the map, by normal form
  readonly #networkList = new Map<string, AllowedNetwork>()
  // the entries as they were added, by network and peer
  readonly #entries = new Map<string, Multiaddr>()
  #onNetworksChange?: () => void

  constructor (init: AllowlistInit = {}) {
    for (const entry of init.entries ?? []) {
      this.add(entry)
    }

    this.#onNetworksChange = init.onNetworksChange
  }

  /**
   * Trusts an address, a network, or a peer there
   *
   * @param entry - such as `/ip4/1.2.3.4` or `/ip4/1.2.3.0/ipcidr/24/p2p/12D3Koo…`
   * @throws {InvalidParametersError} if it is not an address with an IP, if the prefix
   * length does not fit, or if the peer is not a peer id
   */
  add (entry: Multiaddr | string): void {
    const address = toMultiaddr(entry, 'allowlist')
    const { network, peer } = parseEntry(address)
    const name = network.toString()
    let allowed = this.#networkList.get(name)

    if (allowed == null) {
      allowed = { network, everybody: 0, peers: new Map() }
      this.#networkList.set(name, allowed)
      this.#networks.set(network, allowed)
    }

    if (!this.#entries.has(entryName(name, peer))) {
      this.#entries.set(entryName(name, peer), address)
    }

    if (peer != null) {
      allowed.peers.set(peer, (allowed.peers.get(peer) ?? 0) + 1)
    } else if (++allowed.everybody === 1) {
      this.#onNetworksChange?.()
    }
  }

  /**
   * Takes an entry back. Connections that were opened because of it stay open.
   *
   * @param entry - the same network, and the same peer if it was added with one
   * @returns false if there is no such entry
   * @throws {InvalidParametersError} if it could not have been added either
   */
  remove (entry: Multiaddr | string): boolean {
    const { network, peer } = parseEntry(toMultiaddr(entry, 'allowlist'))
    const name = network.toString()
    const allowed = this.#networkList.get(name)
    const count = peer == null ? allowed?.everybody : allowed?.peers.get(peer)

    if (allowed == null || count == null || count === 0) {
      return false
    }

    if (peer == null) {
      allowed.everybody--
    } else if (count > 1) {
      allowed.peers.set(peer, count - 1)
    } else {
      allowed.peers.delete(peer)
    }

    if (count === 1) {
      this.#entries.delete(entryName(name, peer))
    }

    if (allowed.everybody === 0 && allowed.peers.size === 0) {
      this.#networkList.delete(name)
      this.#networks.delete(network)
    }

    if (peer == null && allowed.everybody === 0) {
      this.#onNetworksChange?.()
    }

    return true
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
    return this.#networks.match(ip) !== undefined
  }

  /**
   * Whether a peer is trusted at an address
   *
   * @throws {InvalidParametersError} if it is no address
   */
  allowedPeerAndMultiaddr (peer: PeerId, address: Multiaddr | string): boolean {
    const checked = toMultiaddr(address, 'address')
    const ip = this.#entries.size === 0 ? undefined : ipFromMultiaddr(checked)

    if (ip == null) {
      return false
    }

    return this.#networks.levels(ip.version).some(level => {
      const allowed = level.get(ip)

      return allowed != null && (allowed.everybody > 0 || allowed.peers.has(peer.toString()))
    })
  }

  /**
   * The entries as they were added, each once
   */
  entries (): Multiaddr[] {
    return [...this.#entries.values()]
  }

  /**
   * The networks that everybody is trusted in
   */
  networks (): IPNetwork[] {
    return [...this.#networkList.values()]
      .filter(({ everybody }) => everybody > 0)
      .map(({ network }) => network)
  }
}

function entryName (network: string, peer?: string): string {
  return peer == null ? network : `${network} ${peer}`
}

function parseEntry (entry: Multiaddr): Entry {
  const ip = ipFromMultiaddr(entry)

  if (ip == null) {
    throw invalid('allowlist', 'an address that begins with an IP address and is not relayed', entry)
  }

  const components = entry.getComponents()
  const prefixLength = components.find(({ code }) => code === CODE_IPCIDR)?.value
  const host = components.find(({ name }) => name === 'ip4' || name === 'ip6')?.value
  const peer = components.find(({ code }) => code === CODE_P2P)?.value

  return {
    // read as text, because what the prefix length counts depends on how the
    // address is written
    network: prefixLength == null ? new IPNetwork(ip) : parseNetwork(`${host}/${prefixLength}`, 'allowlist'),
    peer: peer == null ? undefined : parsePeer(peer)
  }
}

/**
 * The normal form of a peer id, of which there are several ways to write it
 */
function parsePeer (peer: string): string {
  try {
    return peerIdFromString(peer).toString()
  } catch {
    throw invalid('allowlist', 'a peer id', peer)
  }
}
