import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import sinon from 'sinon'
import { TransientHolders } from '../../src/libp2p/fairness/transient-holders.ts'
import { TransientTimeouts } from '../../src/libp2p/fairness/transient-timeouts.ts'
import { DefaultConnectionScope } from '../../src/scopes/connection-scope.ts'
import { DefaultStreamScope } from '../../src/scopes/stream-scope.ts'
import { makeManager } from '../fixtures/default-manager.ts'
import { fakePeer, unlimitedBut } from '../scopes/fixtures.ts'
import { CapturedLogger } from './fixtures/captured-logger.ts'
import { eventuallyEqual } from './fixtures/eventually.ts'
import { memoryAddress, muxerOf, TestNodes } from './fixtures/nodes.ts'
import type { ResourceManagerInit } from '../../src/index.ts'
import type { DefaultResourceManager } from '../../src/manager/resource-manager.ts'

const TRUSTED = '/ip4/5.5.5.5'

describe('timeouts of what is transient', () => {
  const limits = unlimitedBut({ transient: { connsInbound: 10, streamsInbound: 10 } })

  /**
   * A transient scope with a clock of its own
   */
  class World {
    now = 0
    readonly logger = new CapturedLogger()
    readonly manager: DefaultResourceManager
    readonly holders: TransientHolders
    readonly timeouts: TransientTimeouts
    readonly ended: string[] = []

    constructor (init: ResourceManagerInit = {}, upgrader: object = {}) {
      this.manager = makeManager({ limits, allowlist: [multiaddr(TRUSTED)], subnetLimits: { ipv4: [] }, rateLimits: false, logger: this.logger, ...init })
      this.holders = new TransientHolders(this.manager.core, 1, () => this.now)
      this.timeouts = new TransientTimeouts(this.manager.core, this.holders, upgrader)
    }

    accept (times: number, direction: 'inbound' | 'outbound' = 'inbound', ip = '/ip4/1.1.1.1'): void {
      for (let i = 0; i < times; i++) {
        const address = multiaddr(`${ip}/tcp/1`)
        const scope = this.manager.core.openConnection(direction, false, address)

        if (!(scope instanceof DefaultConnectionScope)) {
          throw new Error('it was refused')
        }

        this.#hold(scope, this.holders.addConnection(scope, address))
      }
    }

    stream (times: number): void {
      for (let i = 0; i < times; i++) {
        const scope = this.manager.core.openStream(fakePeer(1), 'inbound')

        if (!(scope instanceof DefaultStreamScope)) {
          throw new Error('it was refused')
        }

        this.#hold(scope, this.holders.addStream(scope))
      }
    }

    #hold (scope: DefaultConnectionScope | DefaultStreamScope, transient: any): void {
      scope.holder = {
        active: 0,
        evict: (err) => {
          this.ended.push(`${scope.name}: ${err.message}`)
          this.holders.delete({ transient })
          scope.done()

          return true
        }
      }
    }
  }

  it('should be libp2p\'s own while there is room', () => {
    const world = new World()

    world.accept(5)
    world.stream(5)
    world.now = 100_000
    world.timeouts.expire()
    expect(world.ended).to.be.empty()
    expect(world.timeouts.stat()).to.deep.equal({ connection: 10_000, stream: 10_000, expired: 0 })
  })

  it('should be shorter the less room there is, for connections and streams each', () => {
    const world = new World()

    world.accept(1)
    world.now = 2_000
    world.accept(9)
    world.stream(5)
    world.timeouts.expire()
    expect(world.timeouts.stat()).to.deep.equal({ connection: 3_000, stream: 10_000, expired: 0 })
    expect(world.ended).to.be.empty()

    world.now = 3_001
    world.timeouts.expire()
    expect(world.ended).to.deep.equal(['conn-1: gave up after 3000 ms, while others wait for a slot'])

    world.now = 60_000
    world.timeouts.expire()
    expect(world.ended).to.have.lengthOf(10)
    expect(world.timeouts.stat()).to.deep.equal({ connection: 3_636, stream: 10_000, expired: 10 })
    world.timeouts.expire()
    expect(world.timeouts.stat(), 'there is room again').to.deep.equal({ connection: 10_000, stream: 10_000, expired: 10 })
    expect(world.logger.errors).to.have.lengthOf(1)
  })

  it('should follow what the node is configured with', () => {
    const world = new World({}, { inboundUpgradeTimeout: 2_000, inboundStreamProtocolNegotiationTimeout: 30_000 })

    world.accept(10)
    world.stream(10)
    world.now = 100_000
    world.timeouts.expire()
    // shorter than what is waited for at least: libp2p ends them
    expect(world.timeouts.stat()).to.deep.equal({ connection: 2_000, stream: 3_000, expired: 10 })
    expect(world.ended.every(ended => ended.startsWith('stream-'))).to.equal(true)
  })

  it('should not end what this node opens, or what is trusted', () => {
    const world = new World()

    world.accept(1, 'inbound', TRUSTED)
    world.accept(9)
    world.accept(5, 'outbound')
    world.now = 100_000
    world.timeouts.expire()
    expect(world.ended).to.have.lengthOf(9)
    expect(world.ended.join()).not.to.include('conn-1:')
  })

  it('should end nothing where limits are not enforced', () => {
    const world = new World({ enforce: false })

    world.accept(20)
    world.now = 100_000
    world.timeouts.expire()
    expect(world.ended).to.be.empty()
  })

  it('should end what takes too long by itself while something is transient, and not keep a timer afterwards', () => {
    const clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })

    try {
      const world = new World()
      const expire = sinon.spy(world.timeouts, 'expire')

      world.accept(10)
      clock.tick(5_000)
      expect(expire.callCount, 'the node has not started').to.equal(0)
      world.timeouts.start()
      world.now = 100_000
      clock.tick(500)
      expect(world.ended).to.have.lengthOf(10)
      clock.tick(5_000)
      expect(expire.callCount, 'nothing is there').to.equal(1)
      world.stream(1)
      clock.tick(1_000)
      expect(expire.callCount).to.equal(3)
      world.timeouts.stop()
      world.stream(1)
      clock.tick(5_000)
      expect(expire.callCount, 'the node has stopped').to.equal(3)
    } finally {
      clock.restore()
    }
  })

  it('should reset the streams of a real node that never say what they are for', async () => {
    const nodes = new TestNodes()
    const clock = sinon.useFakeTimers({ now: Date.now(), toFake: ['performance'], shouldAdvanceTime: true })

    try {
      const address = memoryAddress()
      const node = await nodes.create({ addresses: { listen: [address] }, manager: { limits: { transient: { streamsInbound: 4 } } } })
      const dialer = await nodes.create({ manager: false })
      const connection = await dialer.dial(multiaddr(address))
      const { resourceManager } = node.services

      for (let i = 0; i < 4; i++) {
        const stream = await muxerOf(connection).createStream()

        // the length of what never comes
        stream.send(Uint8Array.of(19))
      }

      await eventuallyEqual(() => resourceManager.stat().transient.numStreamsInbound, 4, 'the streams')
      clock.tick(3_500)
      await eventuallyEqual(() => resourceManager.stat().transientTimeouts?.expired, 4, 'the end of them')
      expect(resourceManager.stat().transient.numStreamsInbound).to.equal(0)
      expect(connection.status).to.equal('open')
    } finally {
      clock.restore()
      await nodes.stop()
    }
  })
})
