import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { IPAddress } from '../../src/util/ip-address.ts'
import { IPNetwork } from '../../src/util/ip-network.ts'
import { SubnetTable } from '../../src/util/subnet-table.ts'

function set (table: SubnetTable, ip: IPAddress, value: number): void {
  const position = table.find(ip)

  if (value !== 0) {
    table.put(position, ip, value)
  } else if (table.valueAt(position) !== 0) {
    table.removeAt(position)
  }
}

function host (n: number): IPAddress {
  return new IPAddress(6, n & 3, n >> 2 & 3, n >> 4 & 3, n >> 6)
}

describe('admission/subnet-table', () => {
  it('should hold what a map keyed by network would hold', () => {
    const command = fc.record({ host: fc.nat(511), value: fc.nat(3) })

    fc.assert(fc.property(fc.constantFrom(0, 31, 32, 48, 56, 63, 64, 65, 96, 127, 128), fc.array(command, { maxLength: 400 }), (prefixLength, commands) => {
      const table = new SubnetTable(prefixLength)
      const model = new Map<string, number>()

      for (const { host: n, value } of commands) {
        const key = `${new IPNetwork(host(n), prefixLength)}`

        set(table, host(n), value)

        if (value === 0) {
          model.delete(key)
        } else {
          model.set(key, value)
        }

        expect(table.size).to.equal(model.size)
      }

      for (let n = 0; n < 512; n++) {
        expect(table.get(host(n))).to.equal(model.get(`${new IPNetwork(host(n), prefixLength)}`) ?? 0)
      }
    }))
  })

  it('should remove what is not above a threshold, in slices', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.nat(511), fc.integer({ min: 1, max: 9 }))), fc.nat(10), fc.integer({ min: 1, max: 50 }), (entries, threshold, budget) => {
      const table = new SubnetTable(128)
      const model = new Map<number, number>()

      for (const [n, value] of entries) {
        set(table, host(n), value)
        model.set(n, value)
      }

      let calls = 0

      while (table.removeUpTo(threshold, budget) === 0) {
        calls++
        expect(calls, 'it ends').to.be.below(10_000)
      }

      for (const [n, value] of model) {
        expect(table.get(host(n))).to.equal(value > threshold ? value : 0)
      }
    }))
  })

  it('should hold values and counts of the same subnets, and forget what has neither', () => {
    const command = fc.oneof(
      fc.record({ type: fc.constantFrom('value' as const, 'count' as const), host: fc.nat(127), number: fc.nat(3) }),
      fc.record({ type: fc.constantFrom('clearValues' as const, 'clearCounts' as const, 'removeUpTo' as const), host: fc.constant(0), number: fc.nat(3) })
    )

    fc.assert(fc.property(fc.constantFrom(0, 32, 48, 56, 128), fc.array(command, { maxLength: 300 }), (prefixLength, commands) => {
      const table = new SubnetTable(prefixLength)
      const values = new Map<string, number>()
      const counts = new Map<string, number>()
      const set = (map: Map<string, number>, key: string, number: number): unknown => number === 0 ? map.delete(key) : map.set(key, number)

      for (const { type, host: n, number } of commands) {
        const ip = host(n)
        const key = `${new IPNetwork(ip, prefixLength)}`

        if (type === 'value' && number > 0) {
          table.put(table.find(ip), ip, number)
          set(values, key, number)
        } else if (type === 'count' && number + (counts.get(key) ?? 0) > 0) {
          table.setCount(table.find(ip), ip, number)
          set(counts, key, number)
        } else if (type === 'removeUpTo') {
          table.restart()
          table.removeUpTo(number, Infinity)
          values.forEach((value, key) => { set(values, key, value > number ? value : 0) })
        } else if (type === 'clearValues') {
          table.clearValues()
          values.clear()
        } else if (type === 'clearCounts') {
          table.clearCounts()
          counts.clear()
        }

        expect(table.valued).to.equal(values.size)
        expect(table.size).to.equal(new Set([...values.keys(), ...counts.keys()]).size)
        expect(table.capacity).to.be.at.most(Math.max(16, table.size * 8))
        expect(table.valueAt(table.find(ip))).to.equal(values.get(key) ?? 0)
      }

      for (let n = 0; n < 128; n++) {
        const key = `${new IPNetwork(host(n), prefixLength)}`
        const position = table.find(host(n))

        expect([table.valueAt(position), table.countAt(position)]).to.deep.equal([values.get(key) ?? 0, counts.get(key) ?? 0])
      }
    }))
  })

  it('should shrink when it has grown for nothing', () => {
    const table = new SubnetTable(128)

    for (let n = 0; n < 10_000; n++) {
      set(table, host(n), 1)
    }

    expect(table.capacity).to.equal(32_768)

    for (let n = 0; n < 10_000; n++) {
      set(table, host(n), 0)
    }

    expect(table.size).to.equal(0)
    expect(table.capacity).to.equal(16)
  })

  it('should find addresses that differ in a few bits only about as fast as others', () => {
    // all that somebody with a /48 can choose, and neighbouring IPv4 addresses: runs of
    // taken places would make this take minutes
    const subnets = new SubnetTable(64)
    const hosts = new SubnetTable(32)

    for (let n = 0; n < 65_536; n++) {
      set(subnets, new IPAddress(6, 0x20010db8, n, 0, 0), 1)
      set(hosts, new IPAddress(4, n << 8, 0, 0, 0), 1)
    }

    expect(subnets.size).to.equal(65_536)
    expect(hosts.size).to.equal(65_536)
  })
})
