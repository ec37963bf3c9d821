import { peerIdFromString } from '@libp2p/peer-id'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { DefaultLimits } from '../../src/limits/default-limits.ts'
import { goServiceLimits, jsServiceLimits, setDefaultServiceLimits } from '../../src/limits/default-service-limits.ts'
import { BLOCK_ALL } from '../../src/limits/limit.ts'
import { ScalingLimitConfig } from '../../src/limits/scaling-limit-config.ts'
import { WELL_KNOWN_SERVICES } from '../../src/limits/well-known-services.ts'
import { PEER_A } from './arbitraries.ts'

const MiB = 2 ** 20
const GiB = 2 ** 30

function scaleStreams (base: number, increase: number, memory: number): number {
  return new ScalingLimitConfig({ system: { base: { streams: base }, increase: { streams: increase } } }).scale({ memory }).system.streams
}

describe('scaling limits', () => {
  it('should keep the base up to 128 MiB', () => {
    for (const memory of [0, -1, 1, 128 * MiB - 1, 128 * MiB]) {
      expect(scaleStreams(5, 1024, memory)).to.equal(5)
    }

    // more than 128 MiB, but no whole MiB more
    expect(scaleStreams(5, 1024, 128 * MiB + 1)).to.equal(5 + 128)
    expect(scaleStreams(5, 1024, 129 * MiB)).to.equal(5 + 129)
  })

  it('should add whole numbers without loss', () => {
    fc.assert(fc.property(fc.nat(), fc.maxSafeNat(), fc.maxSafeNat(), (base, increase, memory) => {
      const mebibytes = memory > 128 * MiB ? BigInt(Math.floor(memory / MiB)) : 0n
      const expected = BigInt(base) + ((BigInt(increase) * mebibytes) >> 10n)

      expect(scaleStreams(base, increase, memory)).to.equal(expected > Number.MAX_SAFE_INTEGER ? Infinity : Number(expected))
    }))
  })

  it('should never give less for more memory or more file descriptors', () => {
    fc.assert(fc.property(fc.nat(2 ** 20), fc.nat(2 ** 10), fc.nat(2 ** 20), fc.nat(2 ** 10), (memory, more, fds, moreFds) => {
      const less = DefaultLimits.scale({ memory: memory * MiB, fds })
      const greater = DefaultLimits.scale({ memory: (memory + more) * MiB, fds: fds + moreFds })

      for (const key of ['system', 'transient', 'peerDefault', 'stream'] as const) {
        for (const field of ['streams', 'conns', 'memory', 'fd'] as const) {
          expect(greater[key][field]).to.be.at.least(less[key][field])
        }
      }
    }))
  })

  it('should use a fraction of the file descriptors if it is more than the base', () => {
    const config = new ScalingLimitConfig({ system: { base: { fd: 10 }, increase: { fdFraction: 0.1 } }, conn: { base: { fd: 10 } } })

    for (const [fds, expected] of [[0, 10], [-5, 10], [100, 10], [110, 11], [119, 11], [Infinity, Infinity]]) {
      expect(config.scale({ fds }).system.fd, `${fds}`).to.equal(expected)
      expect(config.scale({ fds }).conn.fd, `${fds}`).to.equal(10)
    }
  })

  it('should keep what is unlimited', () => {
    expect(scaleStreams(Infinity, 5, GiB)).to.equal(Infinity)
  })

  it('should block what is left out', () => {
    expect(new ScalingLimitConfig().scale({ memory: GiB, fds: 1000 }).system).to.deep.equal(BLOCK_ALL)
    expect(new ScalingLimitConfig().scale().service).to.deep.equal({})
  })

  it('should scale named entries', () => {
    const config = new ScalingLimitConfig()
    const base = { streams: 1 }
    const increase = { streams: 2 }

    config.addServiceLimit('__proto__', base, increase)
    config.addServicePeerLimit('s', base, increase)
    config.addProtocolLimit('/p', base, increase)
    config.addProtocolPeerLimit('/p', base, increase)
    config.addPeerLimit(peerIdFromString(PEER_A), base, increase)

    const expected = { ...BLOCK_ALL, streams: 3 }
    const limits = config.scale({ memory: GiB })

    expect(Object.entries(limits.service)).to.deep.equal([['__proto__', expected]])
    expect(limits.servicePeer).to.deep.equal({ s: expected })
    expect(limits.protocol).to.deep.equal({ '/p': expected })
    expect(limits.protocolPeer).to.deep.equal({ '/p': expected })
    expect(limits.peer).to.deep.equal({ [PEER_A]: expected })

    // the last one counts
    config.addPeerLimit(peerIdFromString(PEER_A).toCID().toString(), { fd: 1 })
    expect(config.scale().peer).to.deep.equal({ [PEER_A]: { ...BLOCK_ALL, fd: 1 } })
  })

  it('should not be changed through what was passed or returned', () => {
    const base = { streams: 1 }
    const config = new ScalingLimitConfig({ system: { base } })
    config.addServiceLimit('s', base)
    base.streams = 5

    expect(config.scale().system.streams).to.equal(1)
    expect(config.scale().service.s.streams).to.equal(1)
    expect(config.scale().service).to.be.frozen()
    expect(config.freeze().scopes.system.base).to.be.frozen()
  })

  it('should be changed field by field in a copy of the defaults, which stay as they are', () => {
    const config = DefaultLimits.clone()
    const before = DefaultLimits.scale({ memory: GiB, fds: 1000 })

    config.scopes.system.base.connsInbound = 1
    config.scopes.system.increase.connsInbound = 2
    config.scopes.stream.base.memory = Infinity

    expect(config.scale({ memory: GiB, fds: 1000 })).to.deep.equal({
      ...before,
      system: { ...before.system, connsInbound: 3 },
      stream: { ...before.stream, memory: Infinity }
    })
    expect(DefaultLimits.scale({ memory: GiB, fds: 1000 })).to.deep.equal(before)
    expect(config.clone().scale().system.connsInbound).to.equal(1)
    expect(() => { DefaultLimits.scopes.system.base.connsInbound = 1 }).to.throw(TypeError)
    expect(() => { (config.scopes as any).system = {} }).to.throw(TypeError)
  })

  it('should be checked when it is scaled what has been changed', () => {
    const config = DefaultLimits.clone()

    Object.assign(config.scopes.system.base, { conns: -1, con: 5 })
    config.scopes.peerDefault.increase.fdFraction = 2
    expect(() => config.scale()).to.throw().with.property('message')
      .that.matches(/system\.base\.con: [^]*system\.base\.conns: expected a whole number [^]*peerDefault\.increase\.fdFraction: expected a number from 0 to 1/)
    expect(() => config.clone()).to.throw().with.property('name', 'InvalidParametersError')
  })

  it('should understand two numbers, as go-libp2p has them', () => {
    for (const memory of [0, 128 * MiB, 4 * GiB]) {
      for (const fds of [undefined, 0, 1000, Infinity]) {
        expect(DefaultLimits.scale(memory, fds)).to.deep.equal(DefaultLimits.scale({ memory, fds }))
      }
    }

    expect(DefaultLimits.scale('4GiB', 1000)).to.deep.equal(DefaultLimits.scale({ memory: 4 * GiB, fds: 1000 }))
    expect(new ScalingLimitConfig().scale(4 * GiB)).to.deep.equal(new ScalingLimitConfig().scale())
  })

  it('should refuse what is no target, or two', () => {
    for (const [args, field] of [[[null], 'target'], [[[]], 'target'], [[true], 'target'], [[NaN], 'memory'], [[Infinity, 5], 'memory'], [['much'], 'memory'], [[5, NaN], 'fds'], [[5, '5'], 'fds'], [[{ memory: 5 }, 5], 'fds'], [[undefined, 5], 'fds']] as any) {
      expect(() => (DefaultLimits as any).scale(...args), JSON.stringify(args)).to.throw(`${field}: expected `)
        .with.property('name', 'InvalidParametersError')
    }
  })

  it('should clone named entries, and keep clones apart', () => {
    const config = new ScalingLimitConfig()
    config.addServiceLimit('a', { fd: 1 })

    const clone = config.clone()
    clone.addServiceLimit('b', { fd: 2 })

    expect(Object.keys(config.scale().service)).to.deep.equal(['a'])
    expect(Object.keys(clone.scale().service)).to.deep.equal(['a', 'b'])
  })

  it('should refuse to change the default limits', () => {
    expect(() => { DefaultLimits.addServiceLimit('a', {}) }).to.throw().with.property('message').that.includes('clone()')
    expect(() => { setDefaultServiceLimits(DefaultLimits) }).to.throw().with.property('name', 'InvalidParametersError')
    expect(DefaultLimits.scale().service).to.deep.equal({})
  })

  it('should refuse bad limits and stay as it was', () => {
    const config = new ScalingLimitConfig()

    for (const args of [
      ['s', { streams: -1 }],
      ['s', { streams: 1.5 }],
      ['s', { streams: 'unlimited' }],
      ['s', { stream: 1 }],
      ['s', null],
      ['s', {}, { fd: 1 }],
      ['s', {}, { streams: Infinity }],
      ['s', {}, { fdFraction: 1.1 }],
      ['s', {}, { fdFraction: NaN }],
      ['s', {}, null],
      ['s', { memory: 'much' }],
      ['s', { memory: 'unlimited' }],
      ['s', { streams: '64MiB' }],
      ['s', {}, { memory: '5 apples' }],
      [undefined, {}]
    ]) {
      expect(() => { config.addServiceLimit(...args as [any, any]) }, JSON.stringify(args)).to.throw().with.property('name', 'InvalidParametersError')
    }

    for (const peer of ['nobody', '', undefined, 5]) {
      expect(() => { config.addPeerLimit(peer as any, {}) }).to.throw().with.property('name', 'InvalidParametersError')
    }

    expect(config.scale()).to.deep.equal(new ScalingLimitConfig().scale())
    expect(() => new ScalingLimitConfig({ system: { base: { fd: -1 }, increase: { streams: -1 } }, sys: {} } as any)).to.throw().with.property('message').that.matches(/scopes\.sys: [^]*system\.base\.fd: [^]*system\.increase\.streams: /)
  })

  it('should refuse to scale to what is no number', () => {
    for (const target of [{ memory: NaN }, { memory: Infinity }, { memory: '1' }, { memory: 'unlimited' }, { fds: '1KiB' }, { fds: NaN }, { fds: '5' }]) {
      expect(() => DefaultLimits.scale(target as any), JSON.stringify(target)).to.throw().with.property('name', 'InvalidParametersError')
    }
  })

  it('should read sizes wherever they have bytes', () => {
    const config = new ScalingLimitConfig({ system: { base: { memory: '64MiB', streams: 3 }, increase: { memory: '0.5GiB' } } })

    config.addServiceLimit('s', { memory: '2KiB' }, { memory: '1MB' })
    expect(config.scopes.system).to.deep.equal({ base: { memory: 64 * MiB, streams: 3 }, increase: { memory: 512 * MiB } })
    expect(config.scale({ memory: '2GiB' })).to.deep.equal(config.scale({ memory: 2048 * MiB }))
    expect(config.scale({ memory: '2GiB' }).system.memory).to.equal(1088 * MiB)
    expect(config.scale({ memory: '2GiB' }).service.s.memory).to.equal(2048 + 2e6)
    expect(DefaultLimits.scale({ memory: '1.5 GiB', fds: 9 })).to.deep.equal(DefaultLimits.scale({ memory: 1536 * MiB, fds: 9 }))
    expect(config.clone().scale()).to.deep.equal(config.scale())
  })

  it('should scale to the machine', () => {
    const limits = DefaultLimits.autoScale()

    expect(limits.system.memory).to.be.at.least(128 * MiB)
    expect(limits).to.deep.equal(DefaultLimits.autoScale())
  })
})

describe('default service limits', () => {
  const config = DefaultLimits.clone()
  setDefaultServiceLimits(config)

  it('should have every service once', () => {
    const services = [...goServiceLimits, ...jsServiceLimits]
    const protocols = services.flatMap(({ service }) => WELL_KNOWN_SERVICES[service])

    expect(new Set(services.map(({ service }) => service))).to.have.property('size', services.length)
    expect(new Set(protocols)).to.have.property('size', protocols.length)
    expect(Object.keys(config.scale().service)).to.have.members(services.map(({ service }) => service))
    expect(Object.keys(config.scale().protocolPeer)).to.have.members(protocols)
  })

  for (const memory of [0, 256 * MiB, GiB, 64 * GiB]) {
    it(`should let every peer take part when the system is full with ${memory / MiB} MiB`, () => {
      const { system, service, servicePeer, protocol, protocolPeer, peerDefault } = config.scale({ memory })

      // a pubsub stream in each direction for every connection
      for (const name of ['/meshsub/1.0.0', '/meshsub/1.1.0', '/meshsub/1.2.0', '/floodsub/1.0.0']) {
        for (const limit of [service['libp2p.pubsub'], protocol[name]]) {
          expect(limit.streamsInbound).to.be.at.least(system.conns)
          expect(limit.streamsOutbound).to.be.at.least(system.conns)
          expect(limit.streams).to.be.at.least(2 * system.conns)
        }
        for (const limit of [servicePeer['libp2p.pubsub'], protocolPeer[name]]) {
          expect(limit.streamsInbound).to.be.at.least(peerDefault.conns)
          expect(limit.streamsOutbound).to.be.at.least(peerDefault.conns)
        }
      }

      // several requests at a time from every connected peer
      expect(service['libp2p.kad'].streamsInbound).to.be.at.least(4 * system.conns)
      expect(service['libp2p.fetch'].streamsInbound).to.be.at.least(2 * system.conns)
      expect(service.bitswap.streamsInbound).to.be.at.least(8 * system.conns)
    })
  }

  it('should let one peer use as many streams as js-libp2p allows on a connection', () => {
    for (const service of ['libp2p.kad', 'libp2p.fetch', 'bitswap']) {
      expect(config.scale().servicePeer[service].streamsInbound).to.be.at.least(32)
      expect(config.scale().servicePeer[service].streamsOutbound).to.be.at.least(64)
    }
  })
})
