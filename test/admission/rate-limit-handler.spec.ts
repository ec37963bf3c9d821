import { expect } from 'aegir/chai'
import Sinon from 'sinon'
import { rateLimit } from '../../src/admission/rate-limit-handler.ts'
import { TestClock, ma } from './fixtures.ts'
import type { RateLimitOptions } from '../../src/admission/rate-limit-handler.ts'
import type { Connection, Stream } from '@libp2p/interface'

const RELAYED = '/ip4/1.2.3.4/tcp/1/p2p/12D3KooWEfA3xG9WBXB295GnktGB1nJzpgnmX51vs37iEBbJ4Cu4/p2p-circuit'

describe('admission/rate-limit-handler', () => {
  const handler = Sinon.stub()
  let clock: TestClock

  beforeEach(() => {
    handler.reset()
    clock = new TestClock()
  })

  /**
   * Opens 100 streams, and answers how many reach the handler
   */
  function open (options: RateLimitOptions): (address: string, peer?: string) => Promise<number> {
    const limited = rateLimit(handler, { now: clock.now, ...options })

    return async (address, peer = 'a') => {
      const connection = { remoteAddr: ma(address), remotePeer: peer } as unknown as Connection
      const abort = Sinon.stub()

      handler.resetHistory()

      for (let i = 0; i < 100; i++) {
        await limited({ abort } as unknown as Stream, connection)
      }

      expect(handler.callCount + abort.callCount, 'each is handled or reset').to.equal(100)

      for (const [error] of abort.args) {
        expect(error).to.include({ name: 'RateLimitExceededError', resource: 'rate', direction: 'inbound' })
      }

      return handler.callCount
    }
  }

  it('should reset streams above the rate of an address', async () => {
    const openStreams = open({ ipv4: [{ prefixLength: 32, rate: 1, burst: 3 }] })

    expect(await openStreams('/ip4/1.2.3.4/tcp/1')).to.equal(3)
    expect(await openStreams('/ip4/1.2.3.4/tcp/2'), 'the same host').to.equal(0)
    expect(await openStreams('/ip4/1.2.3.5/tcp/1')).to.equal(3)
    expect(await openStreams('/ip6/2001:db8::1/tcp/1'), 'not configured').to.equal(100)
    clock.passSeconds(2)
    expect(await openStreams('/ip4/1.2.3.4/tcp/1')).to.equal(2)
  })

  it('should limit relayed connections by peer, not by the address of the relay', async () => {
    const openStreams = open({ ipv4: [{ prefixLength: 32, rate: 1, burst: 3 }], peer: { rate: 1, burst: 5 } })

    expect(await openStreams(RELAYED, 'a')).to.equal(5)
    expect(await openStreams(RELAYED, 'b')).to.equal(5)
    expect(await openStreams('/ip4/1.2.3.4/tcp/1', 'c'), 'the relay itself').to.equal(3)
  })

  it('should take nothing from wider buckets, or from that of the peer, when it refuses', async () => {
    const openStreams = open({ peer: { rate: 1, burst: 4 }, ipv4: [{ prefixLength: 32, rate: 1, burst: 5 }], global: { rate: 1, burst: 10 } })

    expect(await openStreams('/ip4/1.2.3.4/tcp/1', 'a')).to.equal(4)
    expect(await openStreams('/ip4/1.2.3.4/tcp/1', 'b')).to.equal(1)
    expect(await openStreams('/ip4/1.2.3.5/tcp/1', 'b'), 'what b has left').to.equal(3)
    expect(await openStreams('/ip4/1.2.3.6/tcp/1', 'c'), 'what is left for all').to.equal(2)
  })

  it('should pass on what the handler gets and answers', async () => {
    const stream = { abort: Sinon.stub() } as unknown as Stream
    const connection = { remoteAddr: ma('/ip4/1.2.3.4'), remotePeer: 'a' } as unknown as Connection
    const limited = rateLimit(handler, { global: { rate: 1 } })

    handler.rejects(new Error('from the handler'))
    await expect(limited(stream, connection)).to.eventually.be.rejectedWith('from the handler')
    expect(handler.calledOnceWithExactly(stream, connection)).to.equal(true)
  })

  it('should have a timer only while it tracks something, one that keeps no process alive', async () => {
    const timers = Sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })

    try {
      const openStreams = open({ ipv4: [{ prefixLength: 32, rate: 0.01, burst: 1 }] })

      expect(timers.countTimers()).to.equal(0)
      await openStreams('/ip4/1.2.3.4/tcp/1')
      await openStreams('/ip4/1.2.3.5/tcp/1')
      expect(timers.countTimers()).to.equal(1)
      timers.tick(60_000)
      expect(timers.countTimers(), 'the buckets are not full yet').to.equal(1)
      clock.passSeconds(100)
      timers.tick(60_000)
      expect(timers.countTimers()).to.equal(0)
      expect(await openStreams('/ip4/1.2.3.4/tcp/1')).to.equal(1)
      expect(timers.countTimers()).to.equal(1)
    } finally {
      timers.restore()
    }
  })

  it('should refuse options without a rate, or with one that says nothing sensible', () => {
    const bad: Array<[any, string]> = [
      [{}, 'options: expected at least one of "peer", "global", "prefixes", "ipv4" and "ipv6"'],
      [undefined, 'options: expected an object'],
      [null, 'options: expected an object'],
      [{ peer: { rate: -1 } }, 'options.peer.rate: expected a number greater than 0, or "unlimited", got -1'],
      [{ ipv4: [{ prefixLength: 33, rate: 1 }] }, 'options.ipv4[0].prefixLength'],
      [{ global: { rate: 1 }, maxPeers: 0 }, 'options.maxPeers']
    ]

    for (const [options, message] of bad) {
      expect(() => rateLimit(handler, options), message).to.throw(message)
        .with.property('name', 'InvalidParametersError')
    }

    expect(() => rateLimit(undefined as any, { global: { rate: 1 } })).to.throw('handler: expected a function, got undefined')
      .with.property('name', 'InvalidParametersError')
  })
})
