import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { createResourceManager, RateLimitExceededError, ResourceLimitExceededError, SubnetLimitExceededError } from '../src/index.ts'
import { ConcreteLimiter, DefaultLimits, InfiniteLimits } from '../src/limits.ts'
import { errorOf, peerA, peerB, refusalCounts } from './scopes/fixtures.ts'
import type { ConnectionManagementScope, Limit, ResourceManager, ResourceManagerInit } from '../src/index.ts'

const ADDRESS = multiaddr('/ip4/192.0.2.1/tcp/4001')
const OTHER_ADDRESS = multiaddr('/ip4/192.0.2.2/tcp/4001')

function open (manager: ResourceManager, count: number, address = ADDRESS): ConnectionManagementScope[] {
  return Array.from({ length: count }, () => manager.openConnection('inbound', false, address))
}

describe('a resource manager and addresses', () => {
  it('should have 8 connections of one address at a time, and any number in all', () => {
    const manager = createResourceManager({ rateLimits: false })
    const [first] = open(manager, 8)
    const error = errorOf(() => { open(manager, 1) })

    expect(error).to.be.an.instanceOf(SubnetLimitExceededError).and.an.instanceOf(ResourceLimitExceededError)
    expect(error).to.include({ resource: 'subnet', current: 8, attempted: 1, limit: 8, temporary: true })
    expect(refusalCounts(manager)).to.deep.equal([{ kind: 'subnet', resource: 'subnet', direction: 'inbound', count: 1 }])

    open(manager, 8, OTHER_ADDRESS)
    first.done()
    open(manager, 1)
    expect(errorOf(() => { open(manager, 1) })).to.be.an.instanceOf(SubnetLimitExceededError)
  })

  it('should not be fooled by IPv6 addresses that have IPv4 addresses in them', () => {
    const opened = (addressOf: (i: number) => string): number => {
      const room = { conns: 1_000, connsInbound: 1_000, memory: 'unlimited' } as const
      const manager = createResourceManager({ limits: { system: room, transient: room }, rateLimits: false })
      let count = 0

      for (; count < 100; count++) {
        try {
          open(manager, 1, multiaddr(addressOf(count)))
        } catch (err) {
          expect(err).to.be.an.instanceOf(SubnetLimitExceededError)
          break
        }
      }

      return count
    }

    // IPv4-mapped: one IPv4 address, however it is written
    expect(opened(i => ['/ip4/1.2.3.4/tcp/1', '/ip6/::ffff:1.2.3.4/tcp/1', '/ip6/::ffff:102:304/tcp/1'][i % 3])).to.equal(8)
    // NAT64 (RFC 6052): all of IPv4 is one /56
    expect(opened(i => `/ip6/64:ff9b::1.2.3.${i}/tcp/1`)).to.equal(8)
    // 6to4 (RFC 3056): whoever has one IPv4 address has a /48
    expect(opened(i => `/ip6/2002:102:304:${i.toString(16)}::1/tcp/1`)).to.equal(8)
    expect(opened(i => `/ip6/2002:102:304:${(i * 0x100).toString(16)}::1/tcp/1`)).to.equal(64)
    // the deprecated IPv4-compatible ones are no IPv4 addresses
    expect(opened(i => `/ip6/::1.2.3.${i}/tcp/1`)).to.equal(8)
  })

  it('should count the connections that are open when limits by address change, and those of one that leaves', () => {
    const manager = createResourceManager({ rateLimits: false })
    const [first, second] = open(manager, 3)

    open(manager, 1, OTHER_ADDRESS)
    second.done()
    manager.addPrefixLimit({ network: '192.0.2.0/24', connCount: 4 })
    // closed between the change and the first decision after it
    first.done()
    open(manager, 2)
    expect(errorOf(() => { open(manager, 1) })).to.include({ resource: 'subnet', scope: 'network:192.0.2.0/24', current: 4, limit: 4 })
    manager.setAdmission({ subnetLimits: { ipv4: [{ prefixLength: 24, connCount: 5 }] } })
    manager.removePrefixLimit('192.0.2.0/24')
    open(manager, 1)
    expect(errorOf(() => { open(manager, 1, OTHER_ADDRESS) })).to.include({ resource: 'subnet', scope: 'subnet:192.0.2.0/24', current: 5, limit: 5 })
  })

  it('should count a connection that is being opened while limits change and another one is opened', () => {
    let within: (() => void) | undefined

    class Nested extends ConcreteLimiter {
      override getConnLimits (): Limit {
        const run = within

        within = undefined
        run?.()

        return super.getConnLimits()
      }
    }

    const manager = createResourceManager({ limits: new Nested(DefaultLimits.scale({ memory: 2 ** 30, fds: 1024 })), rateLimits: false })
    const all: ConnectionManagementScope[] = []

    within = () => {
      manager.addPrefixLimit({ network: '192.0.2.0/24', connCount: 3 })
      all.push(...open(manager, 1))
    }
    all.push(...open(manager, 1))
    all.push(...open(manager, 1))
    expect(errorOf(() => { open(manager, 1) })).to.include({ resource: 'subnet', current: 3, limit: 3 })
    all.forEach(connection => { connection.done() })
    open(manager, 3)
    expect(errorOf(() => { open(manager, 1) })).to.include({ resource: 'subnet', current: 3, limit: 3 })
  })

  it('should count the dials of an address as well', () => {
    const manager = createResourceManager({ rateLimits: false })

    open(manager, 7)
    manager.openConnection('outbound', false, ADDRESS)
    expect(errorOf(() => { manager.openConnection('outbound', false, ADDRESS) })).to.be.an.instanceOf(SubnetLimitExceededError)
  })

  it('should have no more than 16 new connections of one address at once', () => {
    const manager = createResourceManager()

    for (let i = 0; i < 16; i++) {
      open(manager, 1)[0].done()
    }

    const error = errorOf(() => { open(manager, 1) })

    expect(error).to.be.an.instanceOf(RateLimitExceededError).and.an.instanceOf(ResourceLimitExceededError)
    expect(error).to.include({ resource: 'rate', temporary: true })

    // not for those that this node opens
    manager.openConnection('outbound', false, ADDRESS)
  })

  it('should give back the place in the subnet where the scopes refuse', () => {
    const manager = createResourceManager({
      limits: { system: { connsInbound: 1 } },
      subnetLimits: { ipv4: [{ prefixLength: 32, connCount: 2 }] },
      rateLimits: false
    })
    const [first] = open(manager, 1)

    for (let i = 0; i < 5; i++) {
      expect(errorOf(() => { open(manager, 1) })).to.have.property('resource', 'connection')
    }

    first.done()
    open(manager, 1)
  })

  describe('with unlimited limits', () => {
    it('should refuse nothing at all', () => {
      const manager = createResourceManager({ limits: InfiniteLimits })

      open(manager, 1_000)
      expect(manager.refusals()).to.be.empty()
      expect(manager.verifySourceAddress('192.0.2.1')).to.be.false()
    })

    it('should refuse what was configured by address', () => {
      const manager = createResourceManager({
        limits: InfiniteLimits,
        subnetLimits: { ipv4: [{ prefixLength: 32, connCount: 20 }] },
        rateLimits: { connections: { ipv4: [{ prefixLength: 32, rate: 0.001, burst: 30 }] } }
      })

      open(manager, 20).forEach(connection => { connection.done() })
      expect(errorOf(() => { open(manager, 21) })).to.have.property('resource', 'rate')

      const unhurried = createResourceManager({ limits: InfiniteLimits, subnetLimits: { ipv4: [{ prefixLength: 32, connCount: 20 }] } })

      expect(errorOf(() => { open(unhurried, 21) })).to.have.property('resource', 'subnet')
    })

    it('should follow the limits when they change', () => {
      const manager = createResourceManager({ rateLimits: false })

      open(manager, 8)
      expect(errorOf(() => { open(manager, 1) })).to.have.property('resource', 'subnet')

      manager.setLimits(InfiniteLimits)
      open(manager, 8)

      manager.setLimits({})
      expect(errorOf(() => { open(manager, 1) })).to.have.property('resource', 'subnet')
    })
  })

  describe('that are allowlisted', () => {
    const FULL: ResourceManagerInit = {
      limits: { system: { conns: 1 }, allowlistedSystem: { conns: 10 } },
      subnetLimits: { ipv4: [{ prefixLength: 32, connCount: 1 }] }
    }

    it('should not count against their subnet under the allowlisted scopes', () => {
      const manager = createResourceManager({ ...FULL, allowlist: [multiaddr(`/ip4/192.0.2.1/p2p/${peerA}`)] })

      // the one place that there is
      open(manager, 1, OTHER_ADDRESS)

      const connections = open(manager, 5)

      connections.forEach(connection => { connection.setPeer(peerA) })
      expect(connections.every(({ allowlisted }) => allowlisted)).to.be.true()
      expect(manager.stat().allowlistedSystem.numConnsInbound).to.equal(5)

      connections.forEach(connection => { connection.done() })
      expect(manager.stat().allowlistedSystem.numConnsInbound).to.equal(0)
    })

    it('should count against their subnet when they leave the allowlisted scopes', () => {
      const manager = createResourceManager({ ...FULL, allowlist: [multiaddr(`/ip4/192.0.2.1/p2p/${peerA}`)] })
      const [other] = open(manager, 1, OTHER_ADDRESS)
      const [first, second] = open(manager, 2)

      // there is no place under the normal scopes, and nothing changes
      expect(errorOf(() => { first.setPeer(peerB) })).to.have.property('resource', 'connection')
      expect(first.allowlisted).to.be.true()

      other.done()
      first.setPeer(peerB)
      expect(first.allowlisted).to.be.false()
      expect(manager.stat().system.numConnsInbound).to.equal(1)

      manager.viewSystem(scope => { scope.setLimit({ conns: 2 }) })
      expect(errorOf(() => { second.setPeer(peerB) })).to.have.property('resource', 'subnet')
      expect(second.allowlisted).to.be.true()

      first.done()
      second.setPeer(peerB)
      expect(second.allowlisted).to.be.false()

      second.done()
      manager.gc()
      expect(manager.stat().system.numConnsInbound).to.equal(0)
      open(manager, 1)
    })
  })

  it('should let everything in and count it in a dry run', () => {
    const manager = createResourceManager({ enforce: false })
    const connections = open(manager, 20)

    expect(manager.stat().system.numConnsInbound).to.equal(20)
    expect(manager.refusals().reduce((sum, { count }) => sum + count, 0)).to.equal(12)

    connections.forEach(connection => { connection.done() })
    expect(manager.stat().system.numConnsInbound).to.equal(0)
    expect(errorOf(() => { createResourceManager({ subnetLimits: { ipv4: [{ prefixLength: 33, connCount: 1 }] } }) }))
      .to.have.property('message').that.includes('prefixLength').and.includes('33')
  })
})
