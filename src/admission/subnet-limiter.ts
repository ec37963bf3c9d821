import { Rule } from '../scopes/refusal.ts'
import { oneConnection } from '../scopes/usage.ts'
import { IPNetwork } from '../util/ip-network.ts'
import { NetworkMap } from '../util/network-map.ts'
import { SubnetCounts } from './subnet-counts.ts'
import { SubnetTables } from './subnet-tables.ts'
import type { ResolvedPrefixLimit, ResolvedSubnetLimits } from './subnet-limits.ts'
import type { Refusal } from '../scopes/refusal.ts'
import type { IPAddress } from '../util/ip-address.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

/**
 * The connections of one network
 */
interface CountedNetwork extends ResolvedPrefixLimit {
  count: number
  readonly rule: Rule
}

const RULES = {
  ipv4: new Rule('subnet', { setting: ['subnetLimits', 'ipv4'] }),
  ipv6: new Rule('subnet', { setting: ['subnetLimits', 'ipv6'] }),
  network: new Rule('network', { setting: ['subnetLimits', 'prefixes'] })
}

/**
 * Limits the connections of each subnet and of networks.
 *
 * The counts of subnets and networks are made again when the limits change, from the addresses of all
 * connections: a limit always counts the connections that it is for, no matter which limits were in
 * force when they were opened.
 */
export class SubnetLimiter {
  /**
   * The addresses of all connections that were added and not removed, one for each connection.
   *
   * A connection that is just being opened may be missing: then the counts are made again
   * before the next decision.
   */
  countedAddresses: () => Iterable<IPAddress> = () => []

  readonly #ipv4: SubnetCounts
  readonly #ipv6: SubnetCounts
  #subnetLimits: Omit<ResolvedSubnetLimits, 'prefixes'>
  #configured = new NetworkMap<ResolvedPrefixLimit>()
  // what is in the map, to list it
  readonly #configuredList = new Map<string, ResolvedPrefixLimit>()
  // what was added later, by network
  readonly #added = new Map<string, ResolvedPrefixLimit>()
  #allowlisted: () => readonly IPNetwork[] = () => []
  #allowlistedConns = 0
  #lifted = false

  // made by #refresh
  #networks = new NetworkMap<CountedNetwork>()
  #limits: ResolvedSubnetLimits = { ipv4: [], ipv6: [], prefixes: [] }
  #stale = true

  // how many connections were added and not removed
  #count = 0
  // whether some of these were missing when counts were made
  #missed = false

  constructor (limits: ResolvedSubnetLimits, tables = new SubnetTables()) {
    this.#ipv4 = new SubnetCounts(4, tables)
    this.#ipv6 = new SubnetCounts(6, tables)
    this.#subnetLimits = limits
    this.setLimits(limits)
  }

  /**
   * Sets all limits at once. Those of networks that were added stay, and connections that
   * are open count in the limits that apply from now on.
   */
  setLimits (limits: ResolvedSubnetLimits): void {
    this.#subnetLimits = limits
    this.#configured = new NetworkMap()
    this.#configuredList.clear()

    for (const limit of [...limits.prefixes, ...this.#added.values()]) {
      this.#setPrefix(limit)
    }
  }

  /**
   * Counts one more connection with an address
   *
   * @returns why it does not fit, in which case nothing has changed
   */
  add (ip: IPAddress, direction: MessageStreamDirection): Refusal | undefined {
    if (this.#stale) {
      this.#refresh()
    }

    const network = this.#networks.match(ip)
    const refusal = this.#find(ip, direction, network)

    if (refusal !== undefined) {
      return refusal
    }

    this.#count++

    if (network !== undefined) {
      network.count++
    } else {
      this.#counts(ip).addFound(ip)
    }
  }

  /**
   * What `add` would answer, with nothing counted
   */
  peek (ip: IPAddress, direction: MessageStreamDirection): Refusal | undefined {
    if (this.#stale) {
      this.#refresh()
    }

    return this.#find(ip, direction, this.#networks.match(ip))
  }

  /**
   * Takes back what `add` counted
   */
  remove (ip: IPAddress): void {
    this.#count = Math.max(0, this.#count - 1)

    // what is made again later does not have it any more
    if (this.#stale) {
      return
    }

    const network = this.#networks.match(ip)

    if (network === undefined) {
      this.#counts(ip).remove(ip)
    } else if (network.count > 0) {
      network.count--
    }
  }

  /**
   * Sets the limit of a network, instead of the one it had
   */
  addPrefix (limit: ResolvedPrefixLimit): void {
    this.#added.set(limit.network.toString(), limit)
    this.#setPrefix(limit)
  }

  #setPrefix (limit: ResolvedPrefixLimit): void {
    this.#configured.set(limit.network, limit)
    this.#configuredList.set(limit.network.toString(), limit)
    this.#stale = true
  }

  /**
   * @returns false if the network had no limit
   */
  removePrefix (network: IPNetwork): boolean {
    this.#configured.delete(network)
    this.#added.delete(network.toString())
    this.#stale = true

    return this.#configuredList.delete(network.toString())
  }

  /**
   * Gives networks room for a number of connections, unless they have more already
   * or a limit is configured for them
   *
   * @param networks - answers the networks; it is asked when they are needed, as
   * there may be thousands
   * @param connCount - how many connections each network may have
   */
  setAllowlisted (networks: () => readonly IPNetwork[], connCount: number): void {
    this.#allowlisted = networks
    this.#allowlistedConns = connCount
    this.#stale = true
  }

  /**
   * While it is true, default limits for subnets do not apply
   */
  setLifted (lifted: boolean): void {
    this.#stale ||= this.#lifted !== lifted
    this.#lifted = lifted
  }

  /**
   * The limits in force: always the same object until they change
   */
  get limits (): ResolvedSubnetLimits {
    if (this.#stale) {
      this.#refresh()
    }

    return this.#limits
  }

  #find (ip: IPAddress, direction: MessageStreamDirection, network: CountedNetwork | undefined): Refusal | undefined {
    if (network === undefined) {
      const full = this.#counts(ip).findFull(ip)

      if (full !== undefined) {
        const rule = ip.version === 4 ? RULES.ipv4 : RULES.ipv6

        return rule.refuse('subnet', oneConnection(direction === 'inbound', false), full.table.countAt(full.position), full.connCount, new IPNetwork(ip, full.prefixLength))
      }
    } else if (network.count >= network.connCount) {
      return network.rule.refuse('subnet', oneConnection(direction === 'inbound', false), network.count, network.connCount, network.network)
    }
  }

  #counts (ip: IPAddress): SubnetCounts {
    return ip.version === 4 ? this.#ipv4 : this.#ipv6
  }

  /**
   * Makes the counts again when the limits have changed. It is left to the next
   * decision, so that a thousand changes in a row cost as much as one.
   *
   * The caller checks whether they have changed: the closures here are allocated even if
   * nothing else happens.
   */
  #refresh (): void {
    const inForce = (limit: { isDefault: boolean }): boolean => !(this.#lifted && limit.isDefault)

    this.#networks = new NetworkMap()
    this.#ipv4.reset(this.#subnetLimits.ipv4.filter(inForce))
    this.#ipv6.reset(this.#subnetLimits.ipv6.filter(inForce))
    this.#limits = {
      ipv4: this.#ipv4.subnets,
      ipv6: this.#ipv6.subnets,
      prefixes: [...this.#configuredList.values(), ...this.#allowlistLimits()]
    }

    for (const limit of this.#limits.prefixes) {
      this.#networks.set(limit.network, { ...limit, count: 0, rule: limit.setting === undefined ? RULES.network : new Rule('network', { setting: limit.setting }) })
    }

    const count = this.#recount()

    // those that are just being opened will be there next time
    this.#missed = count !== this.#count && !this.#missed
    this.#stale = this.#missed
    this.#count = this.#missed ? this.#count : count
  }

  /**
   * @returns How many connections there are
   */
  #recount (): number {
    let connections = 0

    for (const ip of this.countedAddresses()) {
      const network = this.#networks.match(ip)

      connections++

      if (network !== undefined) {
        network.count++
      } else {
        this.#counts(ip).add(ip)
      }
    }

    return connections
  }

  /**
   * The limits of allowlisted networks, except those that would allow a host less than it may
   * have anyway
   */
  #allowlistLimits (): ResolvedPrefixLimit[] {
    const connCount = this.#allowlistedConns

    return this.#allowlisted()
      .filter(network => {
        const configured = this.#configured.match(network.address, network.prefixLength)

        if (configured != null) {
          return configured.network.prefixLength < network.prefixLength && configured.connCount < connCount
        }

        const { subnets } = this.#counts(network.address)

        return subnets.some(subnet => subnet.connCount < connCount)
      })
      .map(network => ({ network, connCount }))
  }
}
