import type { ResolvedSubnetLimit } from './subnet-limits.ts'
import type { SubnetTables } from './subnet-tables.ts'
import type { IPAddress } from '../util/ip-address.ts'
import type { SubnetTable } from '../util/subnet-table.ts'

/**
 * The connections of the subnets of one size
 */
export interface CountedSubnets extends ResolvedSubnetLimit {
  readonly table: SubnetTable

  /**
   * The place in the table of the subnet of the current decision
   */
  position: number
}

/**
 * The connections of one version of IP by subnet, for the limits in force. Connections under
 * another limit are not counted, and nothing is kept of subnets without connections.
 */
export class SubnetCounts {
  readonly version: 4 | 6

  /**
   * The most specific first
   */
  subnets: CountedSubnets[] = []

  readonly #tables: SubnetTables

  constructor (version: 4 | 6, tables: SubnetTables) {
    this.version = version
    this.#tables = tables
  }

  /**
   * Starts to count from 0
   *
   * @param limits - the most specific first
   */
  reset (limits: ResolvedSubnetLimit[]): void {
    this.#forget()
    this.subnets = limits
      // of two limits for the same subnets, the lower one is what they may have
      .filter(({ connCount, prefixLength }, i) => connCount !== Infinity && !limits.some((other, j) => {
        return other.prefixLength === prefixLength && (other.connCount < connCount || (other.connCount === connCount && j < i))
      }))
      .map(limit => ({ ...limit, table: this.#tables.of(this.version, limit.prefixLength), position: 0 }))
  }

  #forget (): void {
    for (const { table } of this.subnets) {
      table.clearCounts()
    }
  }

  /**
   * The limit that one more connection would exceed
   */
  findFull (ip: IPAddress): CountedSubnets | undefined {
    const { subnets } = this

    for (let i = 0; i < subnets.length; i++) {
      const subnet = subnets[i]

      subnet.position = subnet.table.find(ip)

      if (subnet.table.countAt(subnet.position) >= subnet.connCount) {
        return subnet
      }
    }
  }

  /**
   * Counts the connection that `findFull` has just found room for
   */
  addFound (ip: IPAddress): void {
    const { subnets } = this

    for (let i = 0; i < subnets.length; i++) {
      const { position, table } = subnets[i]

      table.setCount(position, ip, table.countAt(position) + 1)
    }
  }

  /**
   * Counts a connection, whether or not there is room for it
   */
  add (ip: IPAddress): void {
    for (const { table } of this.subnets) {
      const position = table.find(ip)

      table.setCount(position, ip, table.countAt(position) + 1)
    }
  }

  remove (ip: IPAddress): void {
    const { subnets } = this

    for (let i = 0; i < subnets.length; i++) {
      const { table } = subnets[i]
      const position = table.find(ip)
      const count = table.countAt(position)

      if (count > 0) {
        table.setCount(position, ip, count - 1)
      }
    }
  }
}
