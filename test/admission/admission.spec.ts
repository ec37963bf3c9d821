import { expect } from 'aegir/chai'
import { AdmissionRates } from '../../src/admission/admission-rates.ts'
import { resolveRules } from '../../src/admission/admission-rules.ts'
import { SubnetLimiter } from '../../src/admission/subnet-limiter.ts'
import { SubnetTables } from '../../src/admission/subnet-tables.ts'
import { ipFromMultiaddr } from '../../src/util/ip-from-address.ts'
import { TestAdmission, TestClock, ip, ma } from './fixtures.ts'
import type { AdmissionInit } from '../../src/admission/admission-options.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

const PEER = '12D3KooWEfA3xG9WBXB295GnktGB1nJzpgnmX51vs37iEBbJ4Cu4'

function create (init: Partial<AdmissionInit> = {}, clock = new TestClock()): TestAdmission {
  return new TestAdmission({ allowlistedConns: 12, now: clock.now, ...init })
}

/**
 * How many connections are admitted now
 */
function fill (admission: TestAdmission, text: string, direction: MessageStreamDirection = 'outbound', max = 200): number {
  for (let count = 0; count < max; count++) {
    if (admission.admit(ip(text), direction) != null) {
      return count
    }
  }

  return max
}

describe('admission', () => {
  it('should never refuse what has no IP address, or the one of a relay', () => {
    const admission = create({ rateLimits: { connections: { global: { rate: 1, burst: 1 } } } })

    for (const address of ['/dns4/example.com/tcp/1', '/memory/1', `/ip4/1.2.3.4/tcp/1/p2p/${PEER}/p2p-circuit`]) {
      const ip = ipFromMultiaddr(ma(address))

      for (let i = 0; i < 100; i++) {
        expect(admission.admit(ip, 'inbound'), address).to.equal(undefined)
        expect(admission.count(ip, 'inbound'), address).to.equal(undefined)
        admission.release(ip)
      }
    }
  })

  it('should count connections of both directions by subnet until they are released', () => {
    const admission = create()

    expect(fill(admission, '1.2.3.4', 'inbound')).to.equal(8)
    expect(admission.admit(ip('1.2.3.4'), 'outbound')).to.include({ resource: 'subnet', direction: 'outbound' })
    admission.release(ip('1.2.3.4'))
    expect(fill(admission, '1.2.3.4', 'outbound')).to.equal(1)
  })

  it('should limit the rate of inbound connections only', () => {
    const clock = new TestClock()
    const admission = create({}, clock)
    const cycle = (direction: MessageStreamDirection): number => {
      for (let count = 0; count < 100; count++) {
        const refusal = admission.admit(ip('1.2.3.4'), direction)

        if (refusal != null) {
          expect(refusal).to.include({ resource: 'rate', scope: 'subnet:1.2.3.4/32' })
          return count
        }

        admission.release(ip('1.2.3.4'))
      }

      return 100
    }

    expect(cycle('outbound')).to.equal(100)
    expect(cycle('inbound')).to.equal(16)
    clock.passSeconds(5)
    expect(cycle('inbound')).to.equal(1)
  })

  it('should exempt the allowlist from rates, also when it changes', () => {
    const admission = create({ allowlist: [ma('/ip4/1.2.3.0/ipcidr/24'), ma(`/ip4/5.5.5.5/p2p/${PEER}`)], subnetLimits: { ipv4: [] }, allowlistedConns: Infinity })

    expect(fill(admission, '1.2.3.4', 'inbound')).to.equal(200)
    expect(fill(admission, '5.5.5.5', 'inbound'), 'the peer is not known yet').to.equal(200)
    expect(fill(admission, '6.6.6.6', 'inbound')).to.equal(16)
    admission.allowlist.add(ma('/ip4/6.6.6.6'))
    expect(fill(admission, '6.6.6.6', 'inbound')).to.equal(200)
    admission.allowlist.remove(ma('/ip4/1.2.3.0/ipcidr/24'))
    expect(fill(admission, '1.2.3.4', 'inbound')).to.equal(16)
  })

  it('should give an allowlisted network the room of the allowlist, whenever it is added', () => {
    const admission = create({ allowlist: [ma('/ip4/1.2.3.0/ipcidr/24'), ma(`/ip4/5.5.5.5/p2p/${PEER}`)] })

    expect(fill(admission, '1.2.3.4')).to.equal(12)
    expect(fill(admission, '5.5.5.5'), 'an entry with a peer').to.equal(8)
    admission.allowlist.add(ma('/ip4/6.6.6.6'))
    expect(fill(admission, '6.6.6.6')).to.equal(12)
    admission.allowlistedConns = 14
    expect(admission.allowlistedConns).to.equal(14)
    expect(fill(admission, '6.6.6.6')).to.equal(2)
    admission.allowlist.remove(ma('/ip4/6.6.6.6'))
    admission.release(ip('6.6.6.6'))
    expect(fill(admission, '6.6.6.6')).to.equal(0)
  })

  it('should not tighten the limit of a loopback address that is allowlisted', () => {
    const admission = create({ allowlist: [ma('/ip4/127.0.0.1'), ma('/ip6/::1')] })

    expect(fill(admission, '127.0.0.1', 'inbound')).to.equal(200)
    expect(fill(admission, '::1', 'inbound')).to.equal(200)
  })

  it('should count a connection that leaves the allowlist, if it fits', () => {
    const admission = create()

    for (let i = 0; i < 8; i++) {
      expect(admission.count(ip('1.2.3.4'), 'inbound')).to.equal(undefined)
    }

    expect(admission.count(ip('1.2.3.4'), 'inbound')).to.include({ resource: 'subnet', current: 8, limit: 8 })
    admission.release(ip('1.2.3.4'))
    expect(admission.count(ip('1.2.3.4'), 'inbound')).to.equal(undefined)
  })

  it('should ignore a release of what was not admitted', () => {
    const admission = create()

    admission.release(ip('1.2.3.4'))
    expect(fill(admission, '1.2.3.4')).to.equal(8)
  })

  it('should set and take back limits of networks at run time', () => {
    const admission = create()

    expect(fill(admission, '1.2.3.4')).to.equal(8)
    admission.settings.addPrefixLimit({ network: '1.2.3.0/24', connCount: 10 })
    expect(fill(admission, '1.2.3.4')).to.equal(2)
    expect(admission.settings.removePrefixLimit('1.2.3.0/24')).to.equal(true)
    expect(admission.settings.removePrefixLimit('1.2.3.0/24'), 'a second time').to.equal(false)
    expect(fill(admission, '1.2.3.4')).to.equal(0)
    expect(() => { admission.settings.addPrefixLimit({ network: '1.2.3.0/33', connCount: 1 }) }).to.throw('prefixLimit.network')
      .with.property('name', 'InvalidParametersError')
    expect(() => admission.settings.removePrefixLimit('private')).to.throw('network: expected a network')
      .with.property('name', 'InvalidParametersError')
  })

  it('should not bring back the limit of a network that was removed when something else changes', () => {
    const prefixes = [{ network: '1.2.3.0/24', connCount: 2 }]
    const admission = create({ subnetLimits: { prefixes } })

    admission.settings.addPrefixLimit({ network: '5.6.7.0/24', connCount: 3 })
    expect(fill(admission, '1.2.3.4')).to.equal(2)
    expect(admission.settings.removePrefixLimit('1.2.3.0/24')).to.equal(true)
    admission.settings.change({})
    admission.settings.change({ rateLimits: false })
    expect(fill(admission, '1.2.3.4'), 'what a host may have').to.equal(6)
    expect(fill(admission, '5.6.7.8'), 'one that was added').to.equal(3)
    expect(admission.settings.removePrefixLimit('1.2.3.0/24')).to.equal(false)

    admission.settings.change({ subnetLimits: { prefixes } })
    expect(admission.settings.removePrefixLimit('1.2.3.0/24'), 'it was set again').to.equal(true)

    for (const changes of [{ trustedNetworks: ['10.0.0.0/8'] }, { networks: [{ network: '10.0.0.0/8', connCount: 500 }] }]) {
      expect(fill(admission, '10.1.2.3', 'outbound', 9)).to.equal(8)
      admission.settings.change(changes)
      expect(fill(admission, '10.1.2.3', 'outbound', 9)).to.equal(9)
      admission.settings.change({ networks: undefined, trustedNetworks: undefined })

      for (let i = 0; i < 17; i++) {
        admission.release(ip('10.1.2.3'))
      }
    }
  })

  it('should lift default limits, and keep those that are configured', () => {
    const admission = create({ subnetLimits: { ipv6: [{ prefixLength: 64, connCount: 2 }] } })

    admission.settings.lifted = true
    expect(admission.settings.lifted).to.equal(true)
    expect(fill(admission, '1.2.3.4', 'inbound')).to.equal(200)
    expect(fill(admission, '2001:db8::1', 'inbound')).to.equal(2)
    expect(admission.verifySourceAddress('1.2.3.4:1')).to.equal(false)
    admission.settings.lifted = false
    expect(admission.admit(ip('1.2.3.4'), 'inbound')).to.include({ resource: 'subnet', current: 200 })
  })

  it('should limit no rates when they are turned off', () => {
    for (const rateLimits of [false, { connections: false }] as const) {
      const admission = create({ rateLimits, subnetLimits: { ipv4: [] } })

      admission.settings.lifted = true
      expect(fill(admission, '1.2.3.4', 'inbound')).to.equal(200)
      expect(admission.streamRates).to.equal(undefined)
      expect(admission.sweep()).to.equal(true)
    }
  })

  it('should forget who was there when rates are turned off', () => {
    const tables = new SubnetTables()
    const rules = resolveRules({ rateLimits: { connections: { ipv4: [{ prefixLength: 32, rate: 0.001, burst: 2 }] } } })
    const rates = new AdmissionRates(rules, new SubnetLimiter(rules.subnets, tables), tables, new TestClock().now)
    const tracked = (): number => [...tables].reduce((sum, { valued }) => sum + valued, 0)

    for (let i = 0; i < 1_000; i++) {
      expect(rates.connections?.take(ip(`1.2.${i >> 8}.${i & 255}`))).to.equal(undefined)
    }

    expect(tracked()).to.equal(1_000)
    rates.set(resolveRules({ rateLimits: { connections: false } }))
    expect(tracked()).to.equal(0)
    expect([...tables].map(({ size }) => size)).to.deep.equal([...tables].map(() => 0))
  })

  it('should not limit trusted networks, of which private ones have a name', () => {
    const admission = create({ trustedNetworks: ['private', '100.64.0.0/10'], subnetLimits: { prefixes: [{ network: '10.1.0.0/16', connCount: 5 }] } })

    for (const address of ['10.0.0.1', '192.168.1.1', '172.20.1.1', '169.254.1.1', 'fd00::1', 'fe80::1', '100.64.1.1']) {
      expect(fill(admission, address, 'inbound'), address).to.equal(200)
      expect(admission.verifySourceAddress(address)).to.equal(false)
    }

    expect(fill(admission, '1.2.3.4', 'inbound')).to.equal(8)
    expect(fill(admission, '10.1.0.1', 'inbound'), 'it has a limit').to.equal(5)
  })

  it('should have rates of streams when they are configured', () => {
    const admission = create({ rateLimits: { streams: { peer: { rate: 1, burst: 2 } } } })

    expect(admission.streamRates?.admit(PEER)).to.equal(undefined)
    expect(admission.streamRates?.admit(PEER)).to.equal(undefined)
    expect(admission.streamRates?.admit(PEER)).to.include({ resource: 'rate', scope: `peer:${PEER}` })
    expect(fill(admission, '1.2.3.4', 'inbound'), 'connections keep their default').to.equal(8)
  })

  it('should forget who was there, in slices, without more traffic', () => {
    const clock = new TestClock()
    const admission = create({ rateLimits: { streams: { peer: { rate: 1, burst: 2 } } } }, clock)

    for (let i = 0; i < 30_000; i++) {
      const host = ip(`1.${i >> 12}.${i >> 4 & 255}.${i & 15}`)

      admission.admit(host, 'inbound')
      admission.release(host)
      admission.streamRates?.admit(`${i}`)
      admission.verifySourceAddress(`${host}`)
    }

    clock.passSeconds(60)

    let slices = 1

    while (!admission.sweep()) {
      slices++
    }

    expect(slices).to.be.within(2, 100)
    expect(admission.streamRates?.tables.map(({ size }) => size)).to.deep.equal([0])
    expect(admission.sweep(), 'nothing is left').to.equal(true)
  })

  it('should refuse options that say nothing sensible, naming the field', () => {
    const bad: Array<[any, string]> = [
      [{ allowlist: [ma('/dns4/example.com')] }, 'allowlist: expected an address that begins with an IP address'],
      [{ allowlist: ma('/ip4/1.2.3.4') }, 'allowlist: expected a list'],
      [{ subnetLimits: { ipv4: [{ prefixLength: 33, connCount: 1 }] } }, 'subnetLimits.ipv4[0].prefixLength'],
      [{ rateLimits: { connections: { global: { rate: -1 } } } }, 'rateLimits.connections.global.rate'],
      [{ rateLimits: { connections: true } }, 'rateLimits.connections: expected an object'],
      [{ rateLimits: { streams: { peer: { rate: -1 } } } }, 'rateLimits.streams.peer.rate'],
      [{ rateLimits: true }, 'rateLimits: expected an object'],
      [{ rateLimits: null }, 'rateLimits: expected an object'],
      [{ trustedNetworks: '10.0.0.0/8' }, 'trustedNetworks: expected a list'],
      [{ trustedNetworks: ['public'] }, 'trustedNetworks[0]: expected a network'],
      [{ trustedNetworks: ['private', 5] }, 'trustedNetworks[1]: expected a network']
    ]

    for (const [init, message] of bad) {
      expect(() => create(init), message).to.throw(message)
        .with.property('name', 'InvalidParametersError')
    }
  })
})
