import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { build, toPartialLimitConfig } from '../../src/limits/build-limits.ts'
import { checkLimits } from '../../src/limits/check-limits.ts'
import { DefaultLimits } from '../../src/limits/default-limits.ts'
import { deriveLimits } from '../../src/limits/derive-limits.ts'
import { fitToNode } from '../../src/limits/fit-to-node.ts'
import { LIMIT_FIELDS } from '../../src/limits/limit.ts'
import { PROFILES } from '../../src/limits/profiles.ts'
import { resolveLimits } from '../../src/limits/resolve-limits.ts'
import type { NodeDemand } from '../../src/limits/fit-to-node.ts'
import type { ConcreteLimitConfig } from '../../src/limits/limit-config.ts'
import type { ProfileName } from '../../src/limits/profiles.ts'
import type { LimitsInit } from '../../src/limits/resolve-limits.ts'

const GiB = 2 ** 30
const SMALL = DefaultLimits.scale({ memory: 0 })
const DEMAND: NodeDemand = { maxConnections: 300, maxParallelDials: 100, maxIncomingPendingConnections: 10, fds: 65_536 }

function resolve (init: LimitsInit, demand: NodeDemand = DEMAND): ConcreteLimitConfig {
  return (resolveLimits(init, { deriveLimits, refuseKnobs: () => {} }, demand) as unknown as { config: ConcreteLimitConfig }).config
}

describe('fitting limits to a node', () => {
  it('should let the connection manager decide how many connections there are', () => {
    const { system, allowlistedSystem } = fitToNode(SMALL, DEMAND, false)

    expect(system).to.include({ connsInbound: 310, connsOutbound: 400, conns: 410, fd: 410 })
    expect(allowlistedSystem).to.deep.equal(system)
  })

  it('should leave larger limits alone', () => {
    const large = DefaultLimits.scale({ memory: 64 * GiB, fds: 30_000 })
    const { system, transient } = fitToNode(large, DEMAND, false)

    expect(system).to.deep.equal(large.system)
    expect(transient).to.include({ conns: large.transient.conns, streamsInbound: large.transient.streamsInbound })
  })

  it('should have room in transient for the dials and handshakes that libp2p has at a time, and for the requests of one peer', () => {
    const { transient, protocolPeerDefault, servicePeerDefault, peerDefault } = fitToNode(SMALL, { ...DEMAND, maxIncomingPendingConnections: 200 }, false)

    expect(transient).to.include({ connsInbound: 200, connsOutbound: 100, conns: 300, streamsInbound: 512 })

    for (const limit of [protocolPeerDefault, servicePeerDefault, peerDefault]) {
      expect(limit.streamsInbound).to.be.at.least(256)
      expect(limit.streamsOutbound).to.be.at.least(256)
    }
  })

  it('should leave alone what the user has set', () => {
    const { system } = resolve({ maxConnections: 100, maxMemory: '64MiB' })
    expect(system).to.include({ conns: 100, connsInbound: 75 })

    const { transient } = resolve({ maxConnections: 100 })
    expect(transient).to.include({ connsOutbound: 100 })
    expect(transient.connsInbound).to.be.at.most(75)

    expect(resolve({ limits: { system: { conns: 5 }, protocolPeerDefault: { streamsInbound: 3 } } })).to.have.nested.include({
      'system.conns': 5,
      'protocolPeerDefault.streamsInbound': 3
    })
  })

  it('should treat unchanged defaults of a machine of some size as defaults, and a copy as limits that somebody has set', () => {
    expect(resolve({ limits: SMALL }).system.conns).to.equal(410)
    expect(resolve({ limits: DefaultLimits.scale({ memory: GiB }) }).system.conns).to.equal(410)
    expect(resolve({ limits: { ...SMALL } }).system.conns).to.equal(128)
    expect(resolve({ limits: build({}, SMALL) }).system.conns).to.equal(128)
    expect(resolve({ limits: toPartialLimitConfig(SMALL) }).system.conns).to.equal(128)
    expect(resolve({ limits: DefaultLimits.clone().scale() }).system.conns).to.equal(128)
  })

  it('should never use more than half of the open files', () => {
    expect(fitToNode(SMALL, { ...DEMAND, fds: 128 }, false).system.fd).to.equal(64)
    expect(fitToNode(SMALL, { ...DEMAND, fds: 257 }, true).system.fd).to.equal(128)
    expect(fitToNode(SMALL, { ...DEMAND, fds: Infinity }, false).system.fd).to.equal(410)

    // where files play no part
    expect(fitToNode(SMALL, { ...DEMAND, fds: 0 }, false).system.fd).to.equal(SMALL.system.fd)
  })

  it('should contradict neither itself nor the node, at any size', () => {
    const count = fc.integer({ min: 1, max: 5_000 })

    fc.assert(fc.property(
      fc.record({ maxConnections: count, maxParallelDials: count, maxIncomingPendingConnections: count, fds: fc.constantFrom(0, 100, 1024, 1_048_576, Infinity) }),
      fc.option(fc.constantFrom(...Object.keys(PROFILES) as ProfileName[]), { nil: undefined }),
      fc.integer({ min: 1, max: 64 }),
      (demand, profile, gib) => {
        const derived = deriveLimits({ profile }, { memory: gib * GiB, fds: demand.fds })
        const fitted = fitToNode(derived, demand, false)

        for (const field of LIMIT_FIELDS.filter(field => field !== 'fd')) {
          expect(fitted.system[field]).to.be.at.least(derived.system[field])
          expect(fitted.transient[field]).to.be.at.most(fitted.system[field])
        }

        expect(fitted.system.connsInbound).to.be.at.least(demand.maxConnections)
        expect(fitted.transient.connsOutbound).to.be.at.least(demand.maxParallelDials)
        expect(checkLimits(fitted, { maxConnections: demand.maxConnections }).filter(warning => !warning.includes('system.fd'))).to.be.empty()
      }
    ))
  })
})
