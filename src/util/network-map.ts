import { mostSpecificFirst } from './ip-network.ts'
import { SubnetTable } from './subnet-table.ts'
import type { IPAddress } from './ip-address.ts'
import type { IPNetwork } from './ip-network.ts'

/**
 * The networks of one prefix length
 */
export class NetworkLevel<T> {
  // where a network's value is in the list, counted from 1
  readonly #indexes: SubnetTable
  readonly #values: Array<T | undefined> = []
  readonly #free: number[] = []

  // the network, if there is only one: comparing takes a fraction of a look-up, and most levels
  // have only a default such as 127.0.0.0/8
  #only?: IPNetwork
  #onlyValue?: T

  constructor (prefixLength: number) {
    this.#indexes = new SubnetTable(prefixLength)
  }

  get prefixLength (): number {
    return this.#indexes.prefixLength
  }

  get size (): number {
    return this.#indexes.size
  }

  /**
   * The value of the network that an address is in
   */
  get (ip: IPAddress): T | undefined {
    if (this.#only !== undefined) {
      return this.#only.contains(ip) ? this.#onlyValue : undefined
    }

    const index = this.#indexes.get(ip)

    return index === 0 ? undefined : this.#values[index - 1]
  }

  set (network: IPNetwork, value: T): void {
    const ip = network.address
    const position = this.#indexes.find(ip)
    let index = this.#indexes.valueAt(position)

    if (index === 0) {
      index = this.#free.pop() ?? this.#values.length + 1
      this.#indexes.put(position, ip, index)
    }

    this.#values[index - 1] = value
    this.#only = this.size === 1 ? network : undefined
    this.#onlyValue = this.size === 1 ? value : undefined
  }

  delete ({ address }: IPNetwork): void {
    const position = this.#indexes.find(address)
    const index = this.#indexes.valueAt(position)

    if (index !== 0) {
      this.#indexes.removeAt(position)
      this.#values[index - 1] = undefined
      this.#free.push(index)
      this.#only = undefined
      this.#onlyValue = undefined
    }
  }
}

/**
 * Values of networks, which may contain one another. A look-up costs one step for
 * each prefix length in use, however many networks there are.
 */
export class NetworkMap<T> {
  // the most specific first
  #ipv4: Array<NetworkLevel<T>> = []
  #ipv6: Array<NetworkLevel<T>> = []

  /**
   * The prefix lengths in use for one version of IP, the most specific first
   */
  levels (version: 4 | 6): ReadonlyArray<NetworkLevel<T>> {
    return version === 4 ? this.#ipv4 : this.#ipv6
  }

  /**
   * The value of exactly this network
   */
  get (network: IPNetwork): T | undefined {
    return this.#level(network)?.get(network.address)
  }

  /**
   * The value of the most specific network that contains an address
   *
   * @param ip - the address
   * @param maxPrefixLength - leaves out networks that are more specific
   */
  match (ip: IPAddress, maxPrefixLength: number = 128): T | undefined {
    const levels = ip.version === 4 ? this.#ipv4 : this.#ipv6

    for (let i = 0; i < levels.length; i++) {
      if (levels[i].prefixLength > maxPrefixLength) {
        continue
      }

      const value = levels[i].get(ip)

      if (value !== undefined) {
        return value
      }
    }
  }

  set (network: IPNetwork, value: T): void {
    let level = this.#level(network)

    if (level == null) {
      level = new NetworkLevel<T>(network.prefixLength)

      const levels = [...this.levels(network.address.version), level].sort(mostSpecificFirst)

      this.#setLevels(network.address.version, levels)
    }

    level.set(network, value)
  }

  delete (network: IPNetwork): void {
    const level = this.#level(network)

    level?.delete(network)

    if (level?.size === 0) {
      const { version } = network.address

      this.#setLevels(version, this.levels(version).filter(other => other !== level))
    }
  }

  #level (network: IPNetwork): NetworkLevel<T> | undefined {
    return this.levels(network.address.version).find(level => level.prefixLength === network.prefixLength)
  }

  #setLevels (version: 4 | 6, levels: Array<NetworkLevel<T>>): void {
    if (version === 4) {
      this.#ipv4 = levels
    } else {
      this.#ipv6 = levels
    }
  }
}
