import { NetworkMap } from '../util/network-map.ts'
import type { IPAddress } from '../util/ip-address.ts'
import type { IPNetwork } from '../util/ip-network.ts'

/**
 * The allowlisted peers of one network
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

/**
 * The networks in which everybody, or some peers, are trusted. An entry that was added twice
 * has to be removed twice.
 */
export class TrustedNetworks {
  /**
   * Called when a network was added for everybody, or removed
   */
  onChange?: () => void = undefined

  readonly #map = new NetworkMap<AllowedNetwork>()
  // the networks in the map, by normal form
  readonly #list = new Map<string, AllowedNetwork>()

  /**
   * Whether somebody is trusted at an address
   */
  has (ip: IPAddress): boolean {
    return this.#map.match(ip) !== undefined
  }

  /**
   * Whether a peer is trusted at an address
   */
  trusts (ip: IPAddress, peer: string): boolean {
    return this.#map.levels(ip.version).some(level => {
      const allowed = level.get(ip)

      return allowed != null && (allowed.everybody > 0 || allowed.peers.has(peer))
    })
  }

  ofEverybody (): IPNetwork[] {
    return [...this.#list.values()]
      .filter(({ everybody }) => everybody > 0)
      .map(({ network }) => network)
  }

  add (network: IPNetwork, peer?: string): void {
    const name = network.toString()
    let allowed = this.#list.get(name)

    if (allowed == null) {
      allowed = { network, everybody: 0, peers: new Map() }
      this.#list.set(name, allowed)
      this.#map.set(network, allowed)
    }

    if (peer != null) {
      allowed.peers.set(peer, (allowed.peers.get(peer) ?? 0) + 1)
    } else if (++allowed.everybody === 1) {
      this.onChange?.()
    }
  }

  /**
   * @returns How often it had been added
   */
  remove (network: IPNetwork, peer?: string): number {
    const name = network.toString()
    const allowed = this.#list.get(name)
    const count = (peer == null ? allowed?.everybody : allowed?.peers.get(peer)) ?? 0

    if (allowed == null || count === 0) {
      return 0
    }

    if (peer == null) {
      allowed.everybody--
    } else if (count > 1) {
      allowed.peers.set(peer, count - 1)
    } else {
      allowed.peers.delete(peer)
    }

    if (allowed.everybody === 0 && allowed.peers.size === 0) {
      this.#list.delete(name)
      this.#map.delete(network)
    }

    if (peer == null && allowed.everybody === 0) {
      this.onChange?.()
    }

    return count
  }
}
