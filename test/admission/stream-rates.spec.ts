import { expect } from 'aegir/chai'
import { StreamRateLimiter } from '../../src/admission/stream-rates.ts'
import { TestClock } from './fixtures.ts'
import type { StreamRateLimits } from '../../src/admission/stream-rates.ts'

const PROTOCOL = '/a/1.0.0'

function create (limits: StreamRateLimits, clock = new TestClock()): StreamRateLimiter {
  return new StreamRateLimiter('streams', limits, clock.now)
}

function drain (decide: () => unknown): number {
  let count = 0

  while (count < 100 && decide() == null) {
    count++
  }

  return count
}

describe('admission/stream-rates', () => {
  it('should limit nothing unless it is configured', () => {
    const limiter = create({})

    expect(drain(() => limiter.admit('a'))).to.equal(100)
    expect(drain(() => limiter.admitProtocol(PROTOCOL, 'a'))).to.equal(100)
    expect(limiter.tables).to.be.empty()
  })

  it('should limit the streams of each peer', () => {
    const clock = new TestClock()
    const limiter = create({ peer: { rate: 2, burst: 5 } }, clock)

    expect(drain(() => limiter.admit('a'))).to.equal(5)
    expect(drain(() => limiter.admit('b'))).to.equal(5)
    clock.passSeconds(1)
    expect(drain(() => limiter.admit('a'))).to.equal(2)
    // there is a part of the next token, which is in use as a whole
    clock.passSeconds(0.2)
    expect(limiter.admit('a')).to.include({ request: 'stream', resource: 'rate', scope: 'peer:a', current: 5, attempted: 1, limit: 5, message: 'peer:a: cannot reserve inbound stream: rate limit exceeded' })
  })

  it('should limit the streams of a protocol, and of each peer with it', () => {
    const limiter = create({ protocol: { [PROTOCOL]: { rate: 1, burst: 5 } }, protocolPeer: { [PROTOCOL]: { rate: 1, burst: 3 } } })

    expect(drain(() => limiter.admitProtocol(PROTOCOL, 'a'))).to.equal(3)
    expect(limiter.admitProtocol(PROTOCOL, 'a')).to.deep.include({ scope: `protocol:${PROTOCOL}.peer:a`, settingPath: ['rateLimits', 'streams', 'protocolPeer', PROTOCOL] })

    for (let i = 0; i < 50; i++) {
      limiter.admitProtocol(PROTOCOL, 'a')
    }

    expect(drain(() => limiter.admitProtocol(PROTOCOL, 'b')), 'what was refused took nothing').to.equal(2)
    expect(limiter.admitProtocol(PROTOCOL, 'b')).to.deep.include({ scope: `protocol:${PROTOCOL}`, settingPath: ['rateLimits', 'streams', 'protocol', PROTOCOL] })
    expect(drain(() => limiter.admitProtocol('/b/1.0.0', 'a')), 'another protocol').to.equal(100)
  })

  it('should take nothing from those who only ask', () => {
    const limiter = create({ peer: { rate: 1, burst: 1 }, protocol: { [PROTOCOL]: { rate: 1, burst: 1 } }, protocolPeer: { [PROTOCOL]: { rate: 1, burst: 1 } } })

    for (let i = 0; i < 10; i++) {
      expect(limiter.peek('a')).to.equal(undefined)
      expect(limiter.peekProtocol(PROTOCOL, 'a')).to.equal(undefined)
    }

    expect(limiter.tables.map(({ size }) => size)).to.deep.equal([0, 0])
    expect(limiter.admit('a')).to.equal(undefined)
    expect(limiter.admitProtocol(PROTOCOL, 'a')).to.equal(undefined)
    expect(limiter.peek('a')).to.include({ scope: 'peer:a', current: 1, limit: 1 })
    expect(limiter.peek('b')).to.equal(undefined)
    expect(limiter.peekProtocol(PROTOCOL, 'a')).to.include({ scope: `protocol:${PROTOCOL}.peer:a` })
    expect(limiter.peekProtocol(PROTOCOL, 'b')).to.include({ scope: `protocol:${PROTOCOL}` })
    expect(limiter.peekProtocol('/b/1.0.0', 'a')).to.equal(undefined)
  })

  it('should not take what is inherited for a protocol', () => {
    const limiter = create({ protocol: {}, protocolPeer: {} })

    for (const protocol of ['constructor', '__proto__', 'toString']) {
      expect(drain(() => limiter.admitProtocol(protocol, 'a'))).to.equal(100)
    }
  })

  it('should not track more peers than configured', () => {
    const limiter = create({ peer: { rate: 1, burst: 2 }, protocolPeer: { [PROTOCOL]: { rate: 1, burst: 2 } }, maxPeers: 10 })

    for (let i = 0; i < 1_000; i++) {
      limiter.admit(`${i}`)
      limiter.admitProtocol(PROTOCOL, `${i}`)
    }

    expect(limiter.tables.map(({ size }) => size)).to.deep.equal([10, 10])
  })

  it('should refuse rates that say nothing sensible, naming the field and the value', () => {
    const bad: Array<[any, string]> = [
      [{ peer: { rate: -1 } }, 'streams.peer.rate: expected a number greater than 0, or "unlimited", got -1'],
      [{ protocol: { '/a': { rate: 1, burst: -1 } } }, 'streams.protocol["/a"].burst'],
      [{ protocol: { '/a': undefined } }, 'streams.protocol["/a"]: expected a rate, got undefined'],
      [{ protocolPeer: { '/a': { rate: 0 } } }, 'streams.protocolPeer["/a"].rate'],
      [{ protocol: [] }, 'streams.protocol: expected an object'],
      [{ protocolPeer: 1 }, 'streams.protocolPeer: expected an object, got 1'],
      [{ maxPeers: 0.5 }, 'streams.maxPeers: expected a whole number from 1 to 16777216, got 0.5'],
      [null, 'streams: expected an object, got null']
    ]

    for (const [limits, message] of bad) {
      expect(() => create(limits), message).to.throw(message)
        .with.property('name', 'InvalidParametersError')
    }
  })
})
