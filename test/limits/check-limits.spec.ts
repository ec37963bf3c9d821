import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { build } from '../../src/limits/build-limits.ts'
import { checkLimits } from '../../src/limits/check-limits.ts'
import { DefaultLimits } from '../../src/limits/default-limits.ts'
import { setDefaultServiceLimits } from '../../src/limits/default-service-limits.ts'
import { InfiniteLimits } from '../../src/limits/infinite-limits.ts'
import { PEER_A } from './arbitraries.ts'
import type { PartialLimitConfig } from '../../src/limits/limit-config.ts'
import type { ResourceLimits } from '../../src/limits/limit.ts'

const config = DefaultLimits.clone()
setDefaultServiceLimits(config)

function check (limits: PartialLimitConfig, maxConnections?: number): string[] {
  return checkLimits(build(limits, config.scale()), { maxConnections })
}

describe('check limits', () => {
  it('should find nothing wrong with the defaults', () => {
    fc.assert(fc.property(fc.nat(2 ** 44), fc.nat(2 ** 20), (memory, fds) => {
      expect(checkLimits(config.scale({ memory, fds }))).to.be.empty()
    }))

    expect(checkLimits(InfiniteLimits, { maxConnections: 1e9 })).to.be.empty()
  })

  it('should find a direction above the total', () => {
    expect(check({ system: { conns: 127 } })).to.deep.equal([
      'system.connsOutbound (128) is above system.conns (127), which is reached first'
    ])
    expect(check({ conn: { streams: 0, streamsInbound: 1, streamsOutbound: 'unlimited' } })).to.deep.equal([
      'conn.streamsInbound (1) is above conn.streams (0), which is reached first',
      'conn.streamsOutbound (unlimited) is above conn.streams (0), which is reached first'
    ])
    expect(check({ protocol: { '/a': { streams: 1, streamsInbound: 1, streamsOutbound: 2 } } })).to.deep.equal([
      'protocol["/a"].streamsOutbound (2) is above protocol["/a"].streams (1), which is reached first'
    ])
  })

  it('should accept directions equal to the total', () => {
    expect(check({ system: { conns: 128 } })).to.be.empty()
  })

  it('should find transient limits above those of the system', () => {
    expect(check({ transient: { fd: 257, memory: 2 ** 30 } })).to.deep.equal([
      'transient.fd (257) is above system.fd (256), which is reached first',
      'transient.memory (1 GiB) is above system.memory (128 MiB), which is reached first'
    ])
    expect(check({ allowlistedSystem: { fd: 5 } })).to.deep.equal([
      'allowlistedTransient.fd (64) is above allowlistedSystem.fd (5), which is reached first'
    ])
    expect(check({ transient: { fd: 256 } })).to.be.empty()
  })

  it('should find peers above the system', () => {
    expect(check({ peerDefault: { fd: 257 }, peer: { [PEER_A]: { fd: 258 } } })).to.deep.equal([
      'peerDefault.fd (257) is above system.fd (256), which is reached first',
      `peer.${PEER_A}.fd (258) is above system.fd (256), which is reached first`
    ])
  })

  it('should accept scopes that have no limit of their own', () => {
    expect(check({ transient: { fd: 'unlimited' }, peerDefault: { memory: 'unlimited' }, peer: { [PEER_A]: { fd: 'unlimited' } } })).to.be.empty()
  })

  it('should find a connection manager that allows more than the system', () => {
    const warnings = (limits: ResourceLimits, maxConnections: number, affordableConnections?: number): string[] => {
      return checkLimits(build({ system: limits }, DefaultLimits.scale()), { maxConnections, affordableConnections })
    }

    expect(warnings({}, 64)).to.be.empty()
    expect(warnings({}, Infinity)).to.deep.equal([
      'the connection manager\'s maxConnections (unlimited) is above system.connsInbound (64): new connections are refused before it closes any'
    ])

    const inbound: ResourceLimits = { connsInbound: 128 }

    expect(warnings(inbound, 128)).to.be.empty()
    expect(warnings(inbound, 129)).to.deep.equal([
      'the connection manager\'s maxConnections (129) is above system.conns (128): new connections are refused before it closes any'
    ])
    expect(warnings({ ...inbound, fd: 127 }, 128)).to.deep.equal([
      'the connection manager\'s maxConnections (128) is above system.fd (127; raise the limit of open files, or lower maxConnections): new connections are refused before it closes any'
    ])
    expect(warnings(inbound, 128, 127)).to.deep.equal([
      'the connection manager\'s maxConnections (128) is above what system.memory (128 MiB) is enough for (127): new connections are refused before it closes any'
    ])
  })

  for (const field of ['conns', 'connsInbound', 'fd', 'memory'] as const) {
    it(`should find limits under which nobody can connect (${field})`, () => {
      const limits = build({ system: { [field]: 0 } }, InfiniteLimits)

      expect(checkLimits(limits, { maxConnections: 300 }).filter(warning => !warning.includes('which is reached first'))).to.deep.equal([
        `system.${field} is 0: nobody can connect to this node`
      ])
    })
  }

  it('should refuse what is not valid', () => {
    expect(() => checkLimits({} as any)).to.throw().with.property('name', 'InvalidParametersError')
  })
})
