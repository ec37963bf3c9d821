import { SubnetTable } from '../util/subnet-table.ts'

/**
 * The tables of subnets, one for each size. The number of connections of a subnet and the time
 * when its bucket is full are in one place, so a decision needs one look-up.
 */
export class SubnetTables {
  readonly #ipv4 = new Map<number, SubnetTable>()
  readonly #ipv6 = new Map<number, SubnetTable>()

  /**
   * The table of all subnets of one size
   */
  of (version: 4 | 6, prefixLength: number): SubnetTable {
    const tables = version === 4 ? this.#ipv4 : this.#ipv6
    let table = tables.get(prefixLength)

    if (table === undefined) {
      table = new SubnetTable(prefixLength)
      tables.set(prefixLength, table)
    }

    return table
  }

  * [Symbol.iterator] (): Generator<SubnetTable> {
    yield * this.#ipv4.values()
    yield * this.#ipv6.values()
  }
}
