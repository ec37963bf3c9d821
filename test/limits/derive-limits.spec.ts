import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { checkLimits } from '../../src/limits/check-limits.ts'
import { DefaultLimits } from '../../src/limits/default-limits.ts'
import { setDefaultServiceLimits } from '../../src/limits/default-service-limits.ts'
import { deriveLimits } from '../../src/limits/derive-limits.ts'
import { NAMED_KEYS, SCOPE_KEYS } from '../../src/limits/limit-config.ts'
import { LIMIT_FIELDS } from '../../src/limits/limit.ts'
import { PROFILES } from '../../src/limits/profiles.ts'
import type { LimitKnobs } from '../../src/limits/derive-limits.ts'
import type { ConcreteLimitConfig } from '../../src/limits/limit-config.ts'
import type { ProfileName } from '../../src/limits/profiles.ts'

const MiB = 2 ** 20
const GiB = 2 ** 30

/** A machine with 8 GiB */
const MACHINE = { memory: 8 * GiB, fds: 20_000 }

const knobs = fc.record<any>({
  profile: fc.constantFrom(...Object.keys(PROFILES)),
  maxMemory: fc.oneof(
    fc.integer({ min: 2 ** 20, max: 2 ** 46 }),
    // 1 MiB of the smallest machine, which is the least
    fc.double({ min: 1.57, max: 100, noNaN: true }).map(share => `${share.toFixed(2)}%`)
  ),
  maxConnections: fc.integer({ min: 1, max: 1e6 })
}, { requiredKeys: [] }) as fc.Arbitrary<LimitKnobs>

const resources = fc.record({
  memory: fc.integer({ min: 64 * MiB, max: 2 ** 42 }),
  fds: fc.oneof(fc.constantFrom(0, Infinity), fc.integer({ min: 1, max: 2 ** 20 }))
})

function derive (knobs: LimitKnobs, machine = MACHINE): ConcreteLimitConfig {
  return deriveLimits(knobs, machine)
}

describe('derive limits', () => {
  it('should give the scaled defaults, with connections for services, if nothing is asked for', () => {
    const config = DefaultLimits.clone()
    setDefaultServiceLimits(config)

    const withConnections = (scaled: ConcreteLimitConfig): ConcreteLimitConfig => {
      const limits: ConcreteLimitConfig = structuredClone(scaled)
      const allowed = { conns: Infinity, connsInbound: Infinity, connsOutbound: Infinity, fd: Infinity }

      for (const limit of [limits.serviceDefault, limits.servicePeerDefault, ...Object.values(limits.service), ...Object.values(limits.servicePeer)]) {
        Object.assign(limit, allowed)
      }

      return limits
    }

    expect(derive({})).to.deep.equal(withConnections(config.scale({ memory: GiB, fds: 10_000 })))
    expect(derive({ profile: undefined, maxMemory: undefined, maxConnections: undefined })).to.deep.equal(derive({}))
    expect(deriveLimits()).to.deep.equal(withConnections(config.autoScale()))
  })

  it('should let services have as many connections as the system', () => {
    const { service, serviceDefault, system } = derive({ maxConnections: 500 })

    for (const limit of [serviceDefault, service['libp2p.kad']]) {
      expect(limit).to.include({ conns: system.conns, connsInbound: system.connsInbound, connsOutbound: system.connsOutbound, fd: system.fd })
    }
  })

  it('should give the system exactly the memory that was asked for', () => {
    for (const [maxMemory, memory] of [['512MiB', 512 * MiB], ['25%', 2 * GiB], [5 * MiB, 5 * MiB], ['100%', 8 * GiB]] as const) {
      const limits = derive({ maxMemory })

      expect(limits.system.memory).to.equal(memory)
      expect(limits.transient.memory).to.equal(Math.ceil(memory / 4))
      expect(limits.allowlistedSystem).to.deep.equal(limits.system)
      expect(limits.allowlistedTransient).to.deep.equal(limits.transient)
    }
  })

  it('should allow one connection for every MiB, but at least 128', () => {
    expect(derive({ maxMemory: '512MiB' }).system).to.include({ conns: 512, connsInbound: 384, connsOutbound: 512 })
    expect(derive({ maxMemory: '1MiB' }).system).to.include({ conns: 128, connsInbound: 96, connsOutbound: 128 })
  })

  it('should give the system exactly the connections that were asked for', () => {
    expect(derive({ maxConnections: 500 }).system).to.include({ conns: 500, connsInbound: 375, connsOutbound: 500, memory: GiB + 128 * MiB, fd: 10_000 })
    expect(derive({ maxConnections: 500 }).transient).to.include({ conns: 125, connsInbound: 94, connsOutbound: 125 })
    expect(derive({ maxConnections: 1 }).system).to.include({ conns: 1, connsInbound: 1, connsOutbound: 1 })
    expect(derive({ maxConnections: 1 }).transient).to.include({ conns: 1, connsInbound: 1, connsOutbound: 1 })
  })

  it('should leave room for a burst of few connections', () => {
    expect(derive({ maxConnections: 40 }).transient).to.include({ conns: 32, connsInbound: 30, connsOutbound: 32 })
  })

  it('should leave 16 streams for every connection, and let services grow with them', () => {
    const few = derive({ maxMemory: '1GiB', maxConnections: 10 })
    const many = derive({ maxMemory: '1GiB', maxConnections: 2560 })

    expect(few.system.streams).to.equal(256 * 16)
    expect(many.system.streams).to.equal(2560 * 16)
    expect(many.service['libp2p.pubsub'].streamsInbound).to.be.at.least(2560)
    expect(many.protocol['/ipfs/id/1.0.0'].streams).to.equal(10 * few.protocol['/ipfs/id/1.0.0'].streams)
    expect(many.servicePeer['libp2p.pubsub'].streams).to.equal(few.servicePeer['libp2p.pubsub'].streams)
    expect(many.peerDefault.streams).to.equal(few.peerDefault.streams)
  })

  const profiles: Array<[ProfileName, object]> = [
    ['relay', { memory: 4 * GiB, conns: 4096, connsInbound: 3584, connsOutbound: 4096 }],
    ['server', { memory: 2 * GiB, conns: 1024, connsInbound: 768, connsOutbound: 1024 }],
    ['desktop', { memory: GiB, conns: 300, connsInbound: 150, connsOutbound: 300 }],
    ['browser', { memory: GiB / 2, conns: 100, connsInbound: 50, connsOutbound: 100 }]
  ]

  for (const [profile, system] of profiles) {
    it(`should have the numbers of a ${profile}`, () => {
      expect(derive({ profile }).system).to.include(system)
    })
  }

  it('should lower the numbers of a profile on a small machine', () => {
    const small = { memory: GiB, fds: 1024 }

    expect(derive({ profile: 'relay' }, small).system).to.include({ memory: GiB / 2, conns: 512, connsInbound: 448, fd: 512 })
    expect(derive({ profile: 'browser' }, small).system).to.include({ memory: 64 * MiB, conns: 100 })
  })

  it('should never have more than half of the open files, however few there are', () => {
    for (const [fds, half] of [[2, 1], [128, 64], [511, 255], [512, 256], [513, 256], [20_000, 10_000]]) {
      for (const knobs of [{}, { maxConnections: 1_000 }, { profile: 'relay' }] satisfies LimitKnobs[]) {
        const limits = derive(knobs, { memory: 8 * GiB, fds })

        expect(limits.system.fd, String(fds)).to.equal(half)
        expect(limits.transient.fd, String(fds)).to.be.at.most(half)
        expect(limits.allowlistedSystem.fd, String(fds)).to.equal(half)
        expect(limits.peerDefault.fd, String(fds)).to.be.at.most(half)
      }
    }

    // where files play no part
    expect(derive({}, { memory: 8 * GiB, fds: 0 }).system.fd).to.equal(256)
    expect(derive({}, { memory: 8 * GiB, fds: Infinity }).system.fd).to.equal(Infinity)
  })

  it('should prefer what is asked for to the profile', () => {
    expect(derive({ profile: 'relay', maxMemory: '1GiB', maxConnections: 5000 }).system).to.include({ memory: GiB, conns: 5000, connsInbound: 4375 })
  })

  it('should be consistent whatever is asked for', () => {
    fc.assert(fc.property(knobs, resources, (knobs, machine) => {
      const limits = derive(knobs, machine)

      expect(checkLimits(limits)).to.be.empty()

      const asked = Object.keys(knobs).length > 0

      for (const limit of [...SCOPE_KEYS.map(key => limits[key]), ...NAMED_KEYS.flatMap(key => Object.values(limits[key]))]) {
        for (const field of LIMIT_FIELDS) {
          expect(limit[field]).to.be.at.least(0)
          expect(limit[field] === Infinity || Number.isSafeInteger(limit[field])).to.be.true()

          if (asked) {
            expect(limit[field]).to.be.at.most(limits.system[field])
          }
        }
      }

      if (asked) {
        expect(limits.transient.conns).to.be.at.least(1)
        expect(limits.transient.connsInbound).to.be.at.least(1)
      }
    }))
  })

  for (const bad of [
    { profile: 'phone' },
    { profile: 'toString' },
    { profile: null },
    { profile: 5 },
    { maxMemory: 0 },
    { maxMemory: '5' },
    { maxMemory: null },
    { maxConnections: 0 },
    { maxConnections: -1 },
    { maxConnections: 1.5 },
    { maxConnections: Infinity },
    { maxConnections: '5' },
    { profile: 'relay', maxConnections: null }
  ]) {
    it(`should refuse ${JSON.stringify(bad)}`, () => {
      const option = Object.keys(bad).at(-1)

      expect(() => derive(bad as any)).to.throw(new RegExp(`^${option}: expected .*, got `)).with.property('name', 'InvalidParametersError')
    })
  }
})
