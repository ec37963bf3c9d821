import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { SubnetLimiter } from '../../src/admission/subnet-limiter.ts'
import { DefaultNetworkPrefixLimits, resolveSubnetLimits } from '../../src/admission/subnet-limits.ts'
import { SubnetTables } from '../../src/admission/subnet-tables.ts'
import { IPAddress } from '../../src/util/ip-address.ts'
import { IPNetwork, mostSpecificFirst, parseNetwork } from '../../src/util/ip-network.ts'
import { ip, TestSubnetLimiter } from './fixtures.ts'
import type { ResolvedPrefixLimit, SubnetLimits } from '../../src/admission/subnet-limits.ts'

function create (limits?: SubnetLimits, trusted?: string[], tables = new SubnetTables()): TestSubnetLimiter {
  return new TestSubnetLimiter(resolveSubnetLimits(limits, trusted), tables)
}

/**
 * How many connections with an address fit
 */
function fill (limiter: SubnetLimiter, text: string, max = 100): number {
  for (let count = 0; count < max; count++) {
    if (limiter.add(ip(text), 'inbound') != null) {
      return count
    }
  }

  return max
}

function network (text: string): IPNetwork {
  return parseNetwork(text, 'network')
}

/**
 * What the limiter should answer, from the connections there are
 */
class Model {
  live: IPAddress[] = []
  prefixes: ResolvedPrefixLimit[] = []

  match (ip: IPAddress): ResolvedPrefixLimit | undefined {
    return this.prefixes.sort((a, b) => mostSpecificFirst(a.network, b.network)).find(({ network }) => network.contains(ip))
  }

  fits (ip: IPAddress): boolean {
    const match = this.match(ip)

    if (match != null) {
      return this.live.filter(other => this.match(other) === match).length < match.connCount
    }

    return [[32, 2], [30, 3], [29, 5]].every(([prefixLength, connCount]) => {
      const subnet = new IPNetwork(ip, prefixLength)

      return this.live.filter(other => subnet.contains(other) && this.match(other) == null).length < connCount
    })
  }
}

describe('admission/subnet-limiter', () => {
  it('should allow 8 connections for each IPv4 address by default', () => {
    const limiter = create()

    expect(fill(limiter, '1.2.3.4')).to.equal(8)
    expect(fill(limiter, '::ffff:1.2.3.4'), 'the same address').to.equal(0)
    expect(fill(limiter, '1.2.3.5')).to.equal(8)
  })

  it('should allow 8 connections for each /56 and 64 for each /48 of IPv6 by default', () => {
    const limiter = create()

    expect(fill(limiter, '2001:db8:0:1::1')).to.equal(8)
    expect(fill(limiter, '2001:db8:0:ff::2'), 'the same /56').to.equal(0)

    for (let i = 1; i < 8; i++) {
      expect(fill(limiter, `2001:db8:0:${i}00::1`)).to.equal(8)
    }

    expect(fill(limiter, '2001:db8:0:800::1'), 'the same /48').to.equal(0)
    expect(fill(limiter, '2001:db8:1::1'), 'another /48').to.equal(8)
  })

  it('should have limits for networks that can be copied and added to', () => {
    const limiter = create({ prefixes: [...DefaultNetworkPrefixLimits, { network: '10.0.0.0/8', connCount: 1 }] })

    expect(DefaultNetworkPrefixLimits).to.deep.equal([{ network: '127.0.0.0/8', connCount: 'unlimited' }, { network: '::1/128', connCount: 'unlimited' }])
    expect(() => { (DefaultNetworkPrefixLimits[0] as any).connCount = 5 }).to.throw(TypeError)
    expect([fill(limiter, '127.0.0.1'), fill(limiter, '::1'), fill(limiter, '10.0.0.1')]).to.deep.equal([100, 100, 1])
    // they are what there is without them
    expect([fill(create(), '127.0.0.1'), fill(create(), '::1')]).to.deep.equal([100, 100])
  })

  it('should not limit loopback addresses by default, even when other networks have limits', () => {
    const limiter = create({ prefixes: [{ network: '10.0.0.0/8', connCount: 1 }] })

    expect(fill(limiter, '127.0.0.1')).to.equal(100)
    expect(fill(limiter, '127.9.9.9')).to.equal(100)
    expect(fill(limiter, '::1')).to.equal(100)
    expect(fill(create({ prefixes: [{ network: '127.0.0.0/8', connCount: 3 }] }), '127.0.0.1')).to.equal(3)
  })

  it('should apply the limit of the most specific network instead of all others', () => {
    const limiter = create({
      prefixes: [
        { network: '10.0.0.0/8', connCount: 20 },
        { network: '10.1.0.0/16', connCount: 12 },
        { network: '10.1.1.1', connCount: 'unlimited' },
        { network: '10.1.1.2', connCount: 'blockAll' }
      ]
    })

    expect(fill(limiter, '10.1.1.1')).to.equal(100)
    expect(fill(limiter, '10.1.1.2')).to.equal(0)
    expect(fill(limiter, '10.1.2.3')).to.equal(12)
    expect(fill(limiter, '10.1.2.4')).to.equal(0)
    expect(fill(limiter, '10.2.2.3')).to.equal(20)
  })

  it('should say which limit refused', () => {
    const limiter = create({ prefixes: [{ network: '10.0.0.0/8', connCount: 0 }] })

    fill(limiter, '2001:db8::1')

    const refusal = limiter.add(ip('2001:db8::2'), 'outbound')
    const error = refusal?.toError()

    expect(refusal).to.include({ resource: 'subnet', kind: 'subnet', scope: 'subnet:2001:db8::/56', current: 8, attempted: 1, limit: 8 })
    expect(error).to.include({ name: 'SubnetLimitExceededError', scope: 'subnet:2001:db8::/56', direction: 'outbound', current: 8, attempted: 1, limit: 8 })
    expect(error?.message).to.equal('subnet:2001:db8::/56: cannot reserve outbound connection: resource limit exceeded')
    expect(limiter.add(ip('10.1.1.1'), 'inbound')).to.include({ kind: 'network', scope: 'network:10.0.0.0/8', current: 0, limit: 0 })
  })

  it('should count nothing when it refuses', () => {
    const limiter = create({ ipv4: [{ prefixLength: 32, connCount: 5 }, { prefixLength: 24, connCount: 1 }] })

    expect(fill(limiter, '1.2.3.4')).to.equal(1)
    expect(fill(limiter, '1.2.3.5')).to.equal(0)
    limiter.remove(ip('1.2.3.4'))
    expect(fill(limiter, '1.2.3.5')).to.equal(1)
    limiter.remove(ip('1.2.3.5'))
    limiter.remove(ip('1.2.3.5'))
    expect(fill(limiter, '1.2.3.4'), 'what was removed twice').to.equal(1)
  })

  it('should keep nothing of what has no connections', () => {
    const tables = new SubnetTables()
    const limiter = create({}, [], tables)

    for (let i = 0; i < 1_000; i++) {
      const host = new IPAddress(6, i, 0, 0, 1)

      limiter.add(host, 'inbound')
      limiter.remove(host)
    }

    expect(Array.from(tables, ({ prefixLength }) => prefixLength)).to.deep.equal([32, 56, 48])
    expect(Array.from(tables, ({ size }) => size)).to.deep.equal([0, 0, 0])
  })

  it('should refuse nothing where all limits are unlimited or left empty', () => {
    const limiter = create({ ipv4: [], ipv6: [{ prefixLength: 128, connCount: Infinity }] })

    expect(fill(limiter, '1.2.3.4')).to.equal(100)
    expect(fill(limiter, '2001:db8::1')).to.equal(100)
  })

  it('should count connections that are open when a limit is set or taken back', () => {
    const limiter = create()

    expect(fill(limiter, '1.2.3.4')).to.equal(8)
    limiter.addPrefix({ network: network('1.2.3.0/24'), connCount: 10 })
    expect(fill(limiter, '1.2.3.5')).to.equal(2)
    limiter.remove(ip('1.2.3.4'))
    expect(fill(limiter, '1.2.3.6')).to.equal(1)
    expect(limiter.removePrefix(network('1.2.3.0/24'))).to.equal(true)
    expect(limiter.removePrefix(network('1.2.3.0/24')), 'a second time').to.equal(false)
    expect(fill(limiter, '1.2.3.4'), 'one was closed').to.equal(1)
    expect(fill(limiter, '1.2.3.5'), 'two are open').to.equal(6)
  })

  it('should not apply default limits while they are lifted, but those that are configured', () => {
    const limiter = create({ ipv6: [{ prefixLength: 64, connCount: 2 }], prefixes: [{ network: '10.0.0.0/8', connCount: 3 }] })

    limiter.setLifted(true)
    expect(fill(limiter, '1.2.3.4', 20)).to.equal(20)
    expect(fill(limiter, '2001:db8::1')).to.equal(2)
    expect(fill(limiter, '10.0.0.1')).to.equal(3)
    limiter.setLifted(false)
    expect(fill(limiter, '1.2.3.4')).to.equal(0)
    expect(fill(limiter, '1.2.3.5')).to.equal(8)
  })

  it('should not limit trusted networks, unless a limit is configured in them', () => {
    const limiter = create({ prefixes: [{ network: '10.1.0.0/16', connCount: 3 }, { network: '192.168.0.0/16', connCount: 4 }] }, ['10.0.0.0/8', '192.168.0.0/16'])

    expect(fill(limiter, '10.2.3.4')).to.equal(100)
    expect(fill(limiter, '10.1.3.4')).to.equal(3)
    expect(fill(limiter, '192.168.1.1'), 'the same network').to.equal(4)
  })

  describe('allowlisted networks', () => {
    it('should have as many connections as the limits of the allowlist', () => {
      const limiter = create()

      limiter.setAllowlisted(() => [network('1.2.3.0/24'), network('2001:db8::/32')], 12)
      expect(fill(limiter, '1.2.3.4')).to.equal(12)
      expect(fill(limiter, '1.2.3.5')).to.equal(0)
      expect(fill(limiter, '2001:db8::1')).to.equal(12)
      limiter.setAllowlisted(() => [network('1.2.3.0/24')], 14)
      expect(fill(limiter, '1.2.3.4'), 'the limit has changed').to.equal(2)
      limiter.setAllowlisted(() => [], 14)
      expect(fill(limiter, '1.2.3.4')).to.equal(0)
      expect(fill(limiter, '1.2.3.5'), 'the limit is gone').to.equal(8)
    })

    it('should keep a limit that is configured for them, also when it is taken back', () => {
      const limiter = create({ prefixes: [{ network: '1.2.3.0/24', connCount: 3 }] })

      limiter.setAllowlisted(() => [network('1.2.3.0/24')], 12)
      expect(fill(limiter, '1.2.3.4')).to.equal(3)
      limiter.removePrefix(network('1.2.3.0/24'))
      expect(fill(limiter, '1.2.3.4')).to.equal(9)
    })

    it('should never have less room than without', () => {
      const limiter = create({ prefixes: [{ network: '10.0.0.0/8', connCount: 50 }] })

      limiter.setAllowlisted(() => [network('127.0.0.1'), network('10.1.1.1'), network('1.2.3.4'), network('2001:db8::1')], 5)
      expect(fill(limiter, '127.0.0.1'), 'loopback').to.equal(100)
      expect(fill(limiter, '10.1.1.1'), 'in a network with a limit').to.equal(50)
      expect(fill(limiter, '1.2.3.4'), 'a host').to.equal(8)
      expect(fill(limiter, '2001:db8::1'), 'a host').to.equal(8)
    })

    it('should have more room than a network that they are in', () => {
      const limiter = create({ prefixes: [{ network: '10.0.0.0/8', connCount: 2 }] })

      limiter.setAllowlisted(() => [network('10.1.1.1')], 5)
      expect(fill(limiter, '10.1.1.1')).to.equal(5)
      expect(fill(limiter, '10.1.1.2')).to.equal(2)
    })

    it('should have no limit while default limits are lifted', () => {
      const limiter = create()

      limiter.setAllowlisted(() => [network('1.2.3.4')], 12)
      limiter.setLifted(true)
      expect(fill(limiter, '1.2.3.4')).to.equal(100)
    })
  })

  it('should answer as a list of connections would, however limits change', () => {
    const host = fc.nat(15).map(n => new IPAddress(4, n, 0, 0, 0))
    const command = fc.oneof(
      { weight: 6, arbitrary: fc.record({ type: fc.constant('add' as const), host }) },
      { weight: 3, arbitrary: fc.record({ type: fc.constant('remove' as const), index: fc.nat() }) },
      { weight: 1, arbitrary: fc.record({ type: fc.constant('limit' as const), host, prefixLength: fc.integer({ min: 28, max: 32 }), connCount: fc.constantFrom(0, 1, 2, 5, Infinity) }) },
      { weight: 1, arbitrary: fc.record({ type: fc.constant('unlimit' as const), index: fc.nat() }) }
    )

    fc.assert(fc.property(fc.array(command, { maxLength: 100 }), commands => {
      const tables = new SubnetTables()
      const limiter = create({ ipv4: [{ prefixLength: 29, connCount: 5 }, { prefixLength: 32, connCount: 2 }, { prefixLength: 30, connCount: 3 }] }, [], tables)
      const model = new Model()

      for (const command of commands) {
        if (command.type === 'add') {
          const fits = model.fits(command.host)

          expect(limiter.add(command.host, 'inbound') == null).to.equal(fits)

          if (fits) {
            model.live.push(command.host)
          }
        } else if (command.type === 'remove' && model.live.length > 0) {
          const [host] = model.live.splice(command.index % model.live.length, 1)

          limiter.remove(host)
        } else if (command.type === 'limit') {
          const limit = { network: new IPNetwork(command.host, command.prefixLength), connCount: command.connCount }

          model.prefixes = [...model.prefixes.filter(({ network }) => `${network}` !== `${limit.network}`), limit]
          limiter.addPrefix(limit)
        } else if (command.type === 'unlimit' && model.prefixes.length > 0) {
          const [{ network }] = model.prefixes.splice(command.index % model.prefixes.length, 1)

          expect(limiter.removePrefix(network)).to.equal(true)
        }
      }

      for (const host of model.live) {
        limiter.remove(host)
      }

      // limits that have changed last are made use of first
      limiter.peek(new IPAddress(4, 0, 0, 0, 0), 'inbound')
      expect(Array.from(tables).every(({ size }) => size === 0)).to.equal(true)
    }))
  })

  it('should count a connection that is not open yet when limits change', () => {
    const limiter = new SubnetLimiter(resolveSubnetLimits())
    const open: IPAddress[] = []

    limiter.countedAddresses = () => open
    limiter.add(ip('1.2.3.4'), 'inbound')
    limiter.addPrefix({ network: network('1.2.3.0/24'), connCount: 2 })
    expect(limiter.peek(ip('1.2.3.5'), 'inbound'), 'decided while it is opened').to.equal(undefined)
    open.push(ip('1.2.3.4'))
    expect(limiter.add(ip('1.2.3.5'), 'inbound')).to.equal(undefined)
    open.push(ip('1.2.3.5'))
    expect(limiter.add(ip('1.2.3.6'), 'inbound')).to.include({ current: 2, limit: 2 })
    open.pop()
    limiter.remove(ip('1.2.3.5'))
    expect(limiter.add(ip('1.2.3.6'), 'inbound')).to.equal(undefined)
  })

  it('should go by the list of connections where somebody has taken back what was not counted', () => {
    const limiter = new SubnetLimiter(resolveSubnetLimits())
    let asked = 0

    limiter.countedAddresses = () => {
      asked++

      return [ip('1.2.3.4')]
    }

    for (let i = 0; i < 10; i++) {
      expect(limiter.peek(ip('1.2.3.4'), 'inbound')).to.equal(undefined)
    }

    expect(asked).to.equal(2)
    expect(fill(limiter, '1.2.3.4')).to.equal(7)
  })

  it('should refuse limits that say nothing sensible, naming the field and the value', () => {
    const bad: Array<[any, string]> = [
      [{ ipv4: [{ prefixLength: 33, connCount: 1 }] }, 'subnetLimits.ipv4[0].prefixLength: expected a whole number from 0 to 32, got 33'],
      [{ ipv6: [{ prefixLength: 64, connCount: 1 }, { prefixLength: 129, connCount: 1 }] }, 'subnetLimits.ipv6[1].prefixLength: expected a whole number from 0 to 128, got 129'],
      [{ ipv4: [{ prefixLength: -1, connCount: 1 }] }, 'got -1'],
      [{ ipv4: [{ prefixLength: 1.5, connCount: 1 }] }, 'got 1.5'],
      [{ ipv4: [{ prefixLength: '32', connCount: 1 }] }, 'got "32"'],
      [{ ipv4: [{ connCount: 1 }] }, 'got undefined'],
      [{ ipv4: [null] }, 'subnetLimits.ipv4[0].prefixLength'],
      [{ ipv4: {} }, 'subnetLimits.ipv4: expected a list'],
      [{ ipv4: [{ prefixLength: 32, connCount: -1 }] }, 'subnetLimits.ipv4[0].connCount: expected a whole number, "unlimited" or "blockAll", got -1'],
      [{ ipv4: [{ prefixLength: 32, connCount: NaN }] }, 'got NaN'],
      [{ ipv4: [{ prefixLength: 32, connCount: 'default' }] }, 'got "default"'],
      [{ prefixes: {} }, 'subnetLimits.prefixes: expected a list'],
      [{ prefixes: [null] }, 'subnetLimits.prefixes[0].network'],
      [{ prefixes: [{ network: 'private', connCount: 1 }] }, 'subnetLimits.prefixes[0].network: expected a network such as "10.0.0.0/8", got "private"'],
      [{ prefixes: [{ network: '10.0.0.0/8' }] }, 'subnetLimits.prefixes[0].connCount'],
      [{ prefixes: [{ network: '10.0.0.0/8', connCount: 1 }, { network: '10.1.1.1/8', connCount: 2 }] }, 'subnetLimits.prefixes[1].network: expected no second limit for a network, got "10.0.0.0/8"'],
      [[], 'subnetLimits: expected an object'],
      [null, 'subnetLimits: expected an object']
    ]

    for (const [limits, message] of bad) {
      expect(() => resolveSubnetLimits(limits), message).to.throw(message)
        .with.property('name', 'InvalidParametersError')
    }
  })
})
