import { expect } from 'aegir/chai'
import { streamLimitAdvice } from '../../src/libp2p/limit-advice.ts'
import { build } from '../../src/limits/build-limits.ts'
import { checkKnobs } from '../../src/limits/check-knobs.ts'
import { checkLimits } from '../../src/limits/check-limits.ts'
import { deriveLimits } from '../../src/limits/derive-limits.ts'
import { fitToNode } from '../../src/limits/fit-to-node.ts'
import { InfiniteLimits } from '../../src/limits/infinite-limits.ts'
import { ConcreteLimiter } from '../../src/limits/limiter.ts'
import type { LimitKnobs } from '../../src/limits/derive-limits.ts'
import type { ConcreteLimitConfig, PartialLimitConfig } from '../../src/limits/limit-config.ts'

const GiB = 2 ** 30
const MACHINE = { memory: 16 * GiB, fds: 10_000 }

describe('knobs and the machine', () => {
  it('should be warned about where they are more than there is', () => {
    expect(checkKnobs({ maxMemory: '1TiB' }, MACHINE)).to.deep.equal(['maxMemory (1 TiB) is more than this process may use (16 GiB): it runs out of memory before anything is refused'])
    expect(checkKnobs({ processMemory: { max: 17 * GiB } }, MACHINE)[0]).to.include('processMemory.max (17 GiB)')
    expect(checkKnobs({ limits: { system: { memory: 17 * GiB, fd: 10_001 } } }, MACHINE)).to.have.lengthOf(2)
    expect(checkKnobs({ maxConnections: 1_000_000 }, MACHINE)[0]).to.include('maxConnections (1000000) is above the number of files that this process may have open (10000)')
  })

  it('should not be warned about where they fit, or are not set', () => {
    for (const knobs of [{}, { profile: 'relay' as const }, { maxMemory: '100%' }, { maxMemory: 16 * GiB, maxConnections: 10_000, processMemory: { max: '80%' } }, { limits: { system: { memory: 'unlimited' as const, fd: 'unlimited' as const } } }]) {
      expect(checkKnobs(knobs, MACHINE), JSON.stringify(knobs)).to.deep.equal([])
    }
  })

  it('should not be warned about where nobody knows what there is', () => {
    expect(checkKnobs({ maxMemory: '1TiB', maxConnections: 1e6, limits: { system: { fd: 1e9 } } }, { memory: GiB, fds: 0 })).to.deep.equal([])
    expect(checkKnobs({ maxConnections: 1e6 }, { memory: GiB, fds: Infinity })).to.deep.equal([])
  })
})

describe('limits that nobody has set', () => {
  const warningsOf = (set: PartialLimitConfig): string[] => checkLimits(build(set, deriveLimits({}, MACHINE)), { set })

  it('should not be warned about', () => {
    for (const set of [
      {}, { system: { conns: 10 } }, { system: { memory: '64MiB' as const, fd: 5 } }, { system: { streams: 1 } }, { peerDefault: { conns: 2 } },
      { allowlistedSystem: { conns: 1 } }, { service: { a: { streams: 1 } } }
    ]) {
      expect(warningsOf(set), JSON.stringify(set)).to.deep.equal([])
    }
  })

  it('should not be warned about on a machine with few open files, where nobody asks for many connections', () => {
    const few = fitToNode(deriveLimits({}, { ...MACHINE, fds: 128 }), { maxConnections: 300, maxParallelDials: 100, maxIncomingPendingConnections: 10, fds: 128 }, false)

    expect(few.system.fd).to.equal(64)
    expect(checkLimits(few, { set: {}, maxConnections: 300 })).to.deep.equal([])
    expect(checkLimits(few, { set: {}, maxConnections: 301 })).to.have.lengthOf(1)
    expect(checkLimits(few, { set: { system: { fd: 64 } }, maxConnections: 300 })).to.have.lengthOf(1)
    expect(checkLimits(few, { maxConnections: 65 })).to.have.lengthOf(1)
    expect(checkLimits(few, { set: { system: { fd: 64 } }, maxConnections: 64 })).to.deep.equal([])
    expect(checkLimits(few, { maxConnections: 64 })).to.deep.equal([])
  })

  it('should not be named where one of few numbers has been set', () => {
    const limitsOf = (knobs: LimitKnobs, maxConnections: number): ConcreteLimitConfig => fitToNode(deriveLimits(knobs, MACHINE), { maxConnections, maxParallelDials: 100, maxIncomingPendingConnections: 10, fds: 10_000 }, knobs.maxConnections !== undefined)

    // three quarters of these may be inbound, which nobody has said
    expect(checkLimits(limitsOf({ maxConnections: 100 }, 100), { set: {}, maxConnections: 100 })).to.deep.equal([])
    expect(checkLimits(limitsOf({ maxConnections: 100 }, 300), { set: {}, maxConnections: 300 })).to.deep.equal([
      'the connection manager\'s maxConnections (300) is above maxConnections (100) of the resource manager: new connections are refused before it closes any'
    ])
    expect(checkLimits(limitsOf({ maxMemory: '2MiB' }, 300), { set: {}, maxConnections: 300, affordableConnections: 25 })).to.deep.equal([
      'the connection manager\'s maxConnections (300) is above what maxMemory (2 MiB) is enough for (25): new connections are refused before it closes any'
    ])
  })

  it('should be those that others stop short of, and not those', () => {
    expect(warningsOf({ system: { connsInbound: 100_000 } })).to.have.lengthOf(1)
    expect(warningsOf({ system: { conns: 10 }, transient: { conns: 20 } })).to.have.lengthOf(1)
    expect(warningsOf({ peerDefault: { streamsInbound: 100_000 } })).to.have.lengthOf(2)
    expect(warningsOf({ transient: { conns: 'default' } })).to.deep.equal([])
  })
})

describe('handlers that accept more streams than a peer may have', () => {
  const limiter = new ConcreteLimiter(build({ protocolPeer: { '/b/*': { streamsInbound: 100, streams: 100 } }, protocolPeerDefault: { streamsInbound: 64, streams: 128 }, peerDefault: { streamsInbound: 256, streams: 512 } }, InfiniteLimits))

  it('should be told the setting', () => {
    expect(streamLimitAdvice(limiter, '/a/1', { maxInboundStreams: 65 })).to.equal('the handler of /a/1 accepts 65 inbound streams (maxInboundStreams), and a peer may have 64: set limits: { protocolPeer: { "/a/1": { streams: 130, streamsInbound: 65 } } }')
    expect(streamLimitAdvice(limiter, '/a/1', { maxInboundStreams: 257 })).to.include('protocolPeer: { "/a/1": { streams: 514, streamsInbound: 257 } }, peerDefault: { streams: 514, streamsInbound: 257 }')
    expect(streamLimitAdvice(limiter, '/b/1', { maxInboundStreams: 101 })).to.include('a peer may have 100')

    const shared = new ConcreteLimiter(build({ system: { streamsInbound: 10, streams: 30 }, protocol: { '/a/1': { streams: 5 } } }, InfiniteLimits))

    expect(streamLimitAdvice(shared, '/a/1', { maxInboundStreams: 11 })).to.include('a peer may have 5: set limits: { system: { streams: 30, streamsInbound: 11 }, protocol: { "/a/1": { streams: 22, streamsInbound: 11 } } }')
  })

  it('should be left alone where it fits, or nobody has said how many', () => {
    for (const [protocol, options] of [['/a/1', undefined], ['/a/1', {}], ['/a/1', { maxInboundStreams: 64 }], ['/a/1', { maxInboundStreams: 0 }], ['/a/1', { maxInboundStreams: Infinity }], ['/b/1', { maxInboundStreams: 100 }], ['/libp2p/circuit/relay/0.2.0/stop', { maxInboundStreams: 300 }], ['/mynet/id/1.0.0', { maxInboundStreams: 300 }]] as const) {
      expect(streamLimitAdvice(limiter, protocol, options), protocol).to.equal(undefined)
    }
  })

  it('should have what they accept with that setting', () => {
    for (const maxInboundStreams of [65, 257, 1000]) {
      const advice = streamLimitAdvice(limiter, '/a/1', { maxInboundStreams }) ?? ''
      const setting = JSON.parse(advice.slice(advice.indexOf('limits: ') + 'limits: '.length).replace(/(\w+):/g, '"$1":'))

      expect(streamLimitAdvice(new ConcreteLimiter(build(setting, limiter.config)), '/a/1', { maxInboundStreams })).to.equal(undefined)
    }
  })
})
