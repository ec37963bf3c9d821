import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import sinon from 'sinon'
import { ConnectionLimitExceededError, StreamLimitExceededError } from '../../src/index.ts'
import { EventLoopDelay } from '../../src/libp2p/pressure/event-loop-delay.ts'
import { Pressures } from '../../src/libp2p/pressure/pressure.ts'
import { makeManager } from '../fixtures/default-manager.ts'
import { refusalCounts } from '../scopes/fixtures.ts'
import { CapturedLogger } from './fixtures/captured-logger.ts'
import { eventually, rejection } from './fixtures/eventually.ts'
import { Inbox, PROTOCOL } from './fixtures/inbox.ts'
import { TestNodes } from './fixtures/nodes.ts'
import { overMemory } from './fixtures/transports.ts'
import type { ResourceManagerInit } from '../../src/index.ts'
import type { EventLoopDelayInit } from '../../src/libp2p/pressure/event-loop-delay.ts'
import type { DefaultResourceManager } from '../../src/manager/resource-manager.ts'
import type { Refusal } from '../../src/scopes/refusal.ts'
import type { SinonFakeTimers } from 'sinon'

describe('the delay of the event loop', () => {
  let clock: SinonFakeTimers

  /** What the clock says at a timer that should have run 100 ms after the last one */
  let now = 0

  beforeEach(() => {
    clock = sinon.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  })

  afterEach(() => {
    clock.restore()
  })

  function setUp (init: EventLoopDelayInit, { hidden = false, ...manager }: ResourceManagerInit & { hidden?: boolean } = {}): { logger: CapturedLogger, manager: DefaultResourceManager, delay: EventLoopDelay, refuse(request: 'connection' | 'stream'): Refusal | undefined, late(ms: number): void } {
    const logger = new CapturedLogger()
    const made = makeManager({ logger, ...manager })
    const delay = new EventLoopDelay(init, () => now, () => hidden)
    const pressures = new Pressures([delay])

    delay.start()

    return {
      logger,
      manager: made,
      delay,
      refuse: request => made.core.refuse(pressures.find(request)),
      late: (ms) => {
        now += 100 + ms
        clock.tick(100)
      }
    }
  }

  it('should refuse above the maximum until it falls below the other threshold', () => {
    const { late, delay, refuse, manager } = setUp({ max: 100, resume: 20 })
    const refused = (): boolean => refuse('stream') != null

    expect(refused()).to.equal(false)
    late(100)
    expect(refused()).to.equal(false)
    late(101)
    expect(refused()).to.equal(true)
    late(20)
    late(20)
    late(20)
    expect(delay.stat()).to.deep.equal({ delay: 20, max: 100, resume: 20, refusing: true })
    expect(refused()).to.equal(true)
    late(19)
    expect(refused()).to.equal(false)
    late(100)
    expect(refused()).to.equal(false)
    expect(refusalCounts(manager)).to.deep.equal([{ kind: 'process', resource: 'stream', direction: 'inbound', count: 2 }])
  })

  it('should forget one long delay step by step', () => {
    const { late, delay } = setUp({ max: 100 })
    const refusing: boolean[] = []

    for (const ms of [400, 0, 0, 0, 0]) {
      late(ms)
      refusing.push(delay.stat().refusing)
    }

    expect(refusing).to.deep.equal([true, true, true, true, false])
    expect(delay.stat()).to.deep.equal({ delay: 25, max: 100, resume: 50, refusing: false })
  })

  it('should say what and why', async () => {
    const { late, refuse, manager, logger } = setUp({ max: 100 })

    late(250)
    const [connection, stream] = [refuse('connection')?.toError(), refuse('stream')?.toError()]
    expect(connection).to.be.instanceOf(ConnectionLimitExceededError)
    expect(connection).to.include({ message: 'process: cannot reserve inbound connection: resource limit exceeded', current: 250, limit: 100, setting: 'eventLoopDelay.max' })
    expect(stream).to.be.instanceOf(StreamLimitExceededError)
      .with.property('message', 'process: cannot reserve inbound stream: resource limit exceeded')

    await manager.stop()
    expect(logger.errors).to.deep.equal([
      'process refused 1 inbound connection in 10 s: 250 of 100 in use, see eventLoopDelay.max',
      'process refused 1 inbound stream in 10 s: 250 of 100 in use, see eventLoopDelay.max'
    ].map(line => `%s ${line}`))
  })

  it('should only count refusals where limits are not enforced', () => {
    const { late, refuse, manager } = setUp({ max: 100 }, { enforce: false })

    late(101)
    expect(refuse('connection')).to.equal(undefined)
    expect(manager.refusals()).to.have.lengthOf(1)
  })

  it('should not take the timers of a hidden page for a busy one', () => {
    const { late, delay } = setUp({ max: 100 }, { hidden: true })

    late(60_000)
    expect(delay.stat()).to.include({ delay: 0, refusing: false })
  })

  it('should measure while the node runs, with one timer, and start from nothing', () => {
    const { late, delay } = setUp({ max: 100 })

    delay.start()
    expect(clock.countTimers()).to.equal(1)
    late(200)
    expect(delay.stat().refusing).to.equal(true)

    delay.stop()
    delay.stop()
    expect(clock.countTimers()).to.equal(0)
    expect(delay.stat()).to.include({ delay: 0, refusing: false })

    now += 10_000
    delay.start()
    late(0)
    expect(delay.stat()).to.include({ delay: 0, refusing: false })
  })

  it('should not keep a process alive', () => {
    const setTimer = sinon.spy(globalThis, 'setInterval')

    setUp({ max: 100 }).delay.start()

    for (const timer of setTimer.returnValues) {
      // a browser answers with a number
      expect(typeof timer === 'object' && timer.hasRef()).to.equal(false)
    }

    expect(setTimer.callCount).to.equal(2)
    setTimer.restore()
  })

  it('should name what cannot be used', () => {
    for (const [init, message] of [
      [{ max: 0 }, 'eventLoopDelay.max: expected a number of milliseconds above 0, got 0'],
      [{ max: Infinity }, 'eventLoopDelay.max: expected a number of milliseconds above 0, got Infinity'],
      [{ max: '1s' as any }, 'eventLoopDelay.max: expected a number of milliseconds above 0, got "1s"'],
      [{ max: 100, resume: NaN }, 'eventLoopDelay.resume: expected a number of milliseconds above 0, got NaN'],
      [{ max: 100, resume: 101 }, 'eventLoopDelay.resume: expected at most eventLoopDelay.max, 100, got 101']
    ] as Array<[EventLoopDelayInit, string]>) {
      expect(() => setUp(init)).to.throw(message).with.property('name', 'InvalidParametersError')
    }
  })
})

describe('a node whose event loop is late', () => {
  const nodes = new TestNodes()

  afterEach(async () => {
    await nodes.stop()
  })

  function block (ms: number): void {
    const end = performance.now() + ms

    while (performance.now() < end) {
      // that is what blocks it
    }
  }

  it('should let nobody in, and dial, until it has caught up', async () => {
    const { dialer, listener, address } = await overMemory().connect(nodes, {
      listener: { manager: { eventLoopDelay: { max: 400 }, allowlist: [multiaddr('/ip4/5.6.7.8')] } }
    })
    const manager = listener.services.resourceManager
    await Inbox.of(listener)
    await Inbox.of(dialer)
    const connection = await dialer.dial(address)
    await connection.newStream(PROTOCOL)

    block(2_000)
    await eventually(() => manager.stat().eventLoopDelay?.refusing === true, 'a measurement')
    expect(manager.explain({ resource: 'connection', direction: 'inbound' })).to.deep.include({ fits: false, refusedBy: 'process', setting: 'eventLoopDelay.max' })
    expect(manager.explain({ resource: 'connection', direction: 'inbound', address: multiaddr('/ip4/5.6.7.8/tcp/1') })).to.include({ fits: true })
    expect(manager.explain({ resource: 'stream', direction: 'outbound' })).to.include({ fits: true })
    await rejection(dialer.dial(address, { force: true }))
    expect(refusalCounts(manager)).to.deep.include({ kind: 'process', resource: 'connection', direction: 'inbound', count: 1 })

    await eventually(() => manager.stat().eventLoopDelay?.refusing === false, 'recovery')
    await dialer.dial(address, { force: true })
    expect(manager.stat().system.numConnsInbound).to.equal(2)
  })
})
