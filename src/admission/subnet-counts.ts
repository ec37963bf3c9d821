import { SubnetTable } from '../util/subnet-table.ts'
import type { ResolvedSubnetLimit } from './subnet-limits.ts'
import type { IPAddress } from '../util/ip-address.ts'

/**
 * The connections of the subnets of one size
 */
export interface CountedSubnets extends ResolvedSubnetLimit {
  counts: SubnetTable

  /**
   * Where the subnet that is being decided about is in the table
   */
  position: number
}

function subtractOne (counts: SubnetTable, ip: IPAddress, position: number): void {
  const count = counts.valueAt(position)

  if (count > 1) {
    counts.put(position, ip, count - 1)
  } else if (count === 1) {
    counts.removeAt(position)
  }
}

/**
 * The connections of one version of IP, by host and by subnet. Nothing is kept of
 * what has no connection.
 */
export class SubnetCounts {
  readonly version: 4 | 6

  /**
   * Connections by address, whatever limits apply to it
   */
  readonly hosts: SubnetTable

  /**
   * Connections by subnet, for the limits in force, the most specific first.
   * Connections that another limit applies to are not in them, unless it is a
   * subnet of one host.
   */
  subnets: CountedSubnets[] = []

  constructor (version: 4 | 6) {
    this.version = version
    this.hosts = new SubnetTable(version === 4 ? 32 : 128)
  }

  /**
   * Starts to count by subnet from 0
   *
   * @param limits - the most specific first
   */
  reset (limits: ResolvedSubnetLimit[]): void {
    this.subnets = limits
      .filter(limit => limit.connCount !== Infinity)
      .map(limit => ({
        ...limit,
        // a subnet of one host has the count of the host
        counts: limit.prefixLength === this.hosts.prefixLength ? this.hosts : new SubnetTable(limit.prefixLength),
        position: 0
      }))
  }

  /**
   * The limit that one more connection would exceed
   *
   * @param ip - the address
   * @param host - the position of the address among the hosts
   */
  findFull (ip: IPAddress, host: number): CountedSubnets | undefined {
    const { hosts, subnets } = this

    for (let i = 0; i < subnets.length; i++) {
      const subnet = subnets[i]

      subnet.position = subnet.counts === hosts ? host : subnet.counts.find(ip)

      if (subnet.counts.valueAt(subnet.position) + 1 > subnet.connCount) {
        return subnet
      }
    }
  }

  /**
   * Counts the connection that `findFull` has just found room for
   */
  addFound (ip: IPAddress, host: number): void {
    const { hosts, subnets } = this

    for (let i = 0; i < subnets.length; i++) {
      const { counts, position } = subnets[i]

      if (counts !== hosts) {
        counts.put(position, ip, counts.valueAt(position) + 1)
      }
    }

    this.addHost(ip, host)
  }

  /**
   * Counts connections in the subnets of an address, without counting them for the
   * address
   */
  addToSubnets (ip: IPAddress, count: number): void {
    for (const { counts } of this.subnets) {
      if (counts !== this.hosts) {
        const position = counts.find(ip)

        counts.put(position, ip, counts.valueAt(position) + count)
      }
    }
  }

  removeFromSubnets (ip: IPAddress): void {
    const { hosts, subnets } = this

    for (let i = 0; i < subnets.length; i++) {
      if (subnets[i].counts !== hosts) {
        subtractOne(subnets[i].counts, ip, subnets[i].counts.find(ip))
      }
    }
  }

  addHost (ip: IPAddress, host: number): void {
    this.hosts.put(host, ip, this.hosts.valueAt(host) + 1)
  }

  removeHost (ip: IPAddress, host: number): void {
    subtractOne(this.hosts, ip, host)
  }
}
