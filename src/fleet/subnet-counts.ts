import { NetworkMap } from '../util/network-map.ts'
import { SubnetTable } from '../util/subnet-table.ts'
import type { Level, SubnetRoom } from './subnet-room.ts'
import type { FleetMember } from '../manager/fleet-link.ts'
import type { IPAddress } from '../util/ip-address.ts'
import type { IPNetwork } from '../util/ip-network.ts'

/**
 * How many addresses are kept for the next scan. If there are more, it reads all connections
 */
const MAX_FIRST = 1_024

export interface SubnetCountsInit {
  member: FleetMember

  /**
   * Those that everybody is trusted in: connections with them have no part in these limits
   */
  trustedNetworks(): IPNetwork[]
}

/**
 * How many connections of this node there are with each subnet, and with each network that has a
 * limit of its own
 */
export class SubnetCounts {
  readonly levels: readonly Level[]
  readonly #init: SubnetCountsInit
  readonly #configured: readonly SubnetRoom[]
  readonly #networks = new NetworkMap<SubnetRoom>()
  #trusted = new NetworkMap<IPNetwork>()

  /** Whether to count again */
  #stale = true

  /** The addresses of subnets that have got their first connection since the last scan: the first ones of them */
  readonly #first: IPAddress[] = []

  /**
   * @param init
   * @param levels
   * @param configured - the networks with a limit of their own
   */
  constructor (init: SubnetCountsInit, levels: readonly Level[], configured: readonly SubnetRoom[]) {
    this.#init = init
    this.levels = levels
    this.#configured = configured
    configured.forEach(room => { this.#networks.set(room.network, room) })
  }

  /**
   * Others are trusted from now on
   */
  allowlistChanged (): void {
    this.#stale = true
  }

  isTrusted (ip: IPAddress): boolean {
    return this.#trusted.match(ip) !== undefined
  }

  /**
   * The network with a limit of its own that an address is in
   */
  networkOf (ip: IPAddress): SubnetRoom | undefined {
    return this.#networks.match(ip)
  }

  /**
   * Counts what is open, where it is not known who counts
   */
  refresh (): void {
    if (!this.#stale) {
      return
    }

    this.#stale = false
    this.#trusted = new NetworkMap()
    this.#init.trustedNetworks().forEach(network => { this.#trusted.set(network, network) })
    this.levels.forEach(level => { level.counts = new SubnetTable(level.counts.prefixLength) })
    this.#configured.forEach(room => { room.count = 0 })

    for (const { countedAddress } of this.#init.member.metricsSource.graph.connections) {
      countedAddress === undefined || this.#count(countedAddress as IPAddress, 1)
    }
  }

  add (ip: IPAddress): void {
    this.#count(ip, 1)
  }

  remove (ip: IPAddress): void {
    // who counts again finds it gone
    this.#stale || this.#count(ip, -1)
  }

  /**
   * The addresses of subnets that have got their first connection since this was last asked, and others if
   * these are many
   */
  takeFirst (): Iterable<IPAddress> {
    const first = this.#first.splice(0)

    return first.length < MAX_FIRST ? first : this.#addresses()
  }

  #count (ip: IPAddress, change: 1 | -1): void {
    if (this.isTrusted(ip)) {
      return
    }

    const network = this.networkOf(ip)

    if (network !== undefined) {
      network.count = Math.max(0, network.count + change)
      return
    }

    let isFirst = false

    for (const { counts, version } of this.levels) {
      if (version === ip.version) {
        const position = counts.find(ip)
        const before = counts.valueAt(position)
        const count = before + change

        isFirst ||= before === 0 && count > 0

        if (count > 0) {
          counts.put(position, ip, count)
        } else if (before !== 0) {
          counts.removeAt(position)
        }
      }
    }

    isFirst && this.#first.length < MAX_FIRST && this.#first.push(ip)
  }

  /**
   * Of all connections, from the last one: they may change meanwhile
   */
  * #addresses (): Generator<IPAddress> {
    const { connections } = this.#init.member.metricsSource.graph

    for (let i = connections.size - 1; i >= 0; i--) {
      const ip = connections.at(i)?.countedAddress as IPAddress | undefined

      if (ip !== undefined) {
        yield ip
      }
    }
  }
}
