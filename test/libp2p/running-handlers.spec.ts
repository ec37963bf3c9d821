import { expect } from 'aegir/chai'
import sinon from 'sinon'
import { RunningHandlers } from '../../src/libp2p/streams/running-handlers.ts'
import { attachToStream } from '../../src/scopes/attached-scopes.ts'
import { makeManager } from '../fixtures/default-manager.ts'
import { CapturedLogger } from './fixtures/captured-logger.ts'
import { eventually } from './fixtures/eventually.ts'
import { PROTOCOL } from './fixtures/inbox.ts'
import { componentsOf, eventuallyHeld, held, otherEnd, TestNodes } from './fixtures/nodes.ts'
import { overMemory } from './fixtures/transports.ts'
import type { TestNode } from './fixtures/nodes.ts'
import type { LiveStream } from '../../src/libp2p/buffers/live-stream.ts'
import type { Connection, Stream, StreamMiddleware } from '@libp2p/interface'
import type { SinonFakeTimers } from 'sinon'

describe('streams whose handler still runs', () => {
  const nodes = new TestNodes()

  afterEach(async () => {
    await nodes.stop()
  })

  interface Connected {
    dialer: TestNode
    listener: TestNode
    local: Connection
    arrived: Stream[]
    finish(): void
  }

  async function connect (manager = {}): Promise<Connected> {
    const { dialer, listener, address } = await overMemory().connect(nodes, { listener: { manager } })
    const running = Promise.withResolvers<void>()
    const arrived: Stream[] = []

    await listener.handle(PROTOCOL, async (stream) => {
      arrived.push(stream)
      await running.promise
    })
    const local = await dialer.dial(address)
    await otherEnd(local, dialer, listener)

    return { dialer, listener, local, arrived, finish: () => { running.resolve() } }
  }

  it('should leave the handlers that others see as they are', async () => {
    const { listener } = await overMemory().connect(nodes)
    const { registrar } = componentsOf(listener)
    const handler = (): void => {}

    await listener.handle(PROTOCOL, handler, { maxInboundStreams: 7 })
    expect(registrar.getHandler(PROTOCOL)).to.deep.include({ handler }).and.to.have.nested.property('options.maxInboundStreams', 7)
    expect(registrar.getHandler(PROTOCOL)).to.equal(registrar.getHandler(PROTOCOL))
  })

  function streamsOf (node: TestNode): number {
    return node.services.resourceManager.stat().system.numStreamsInbound
  }

  it('should keep their slot after a reset, until the handler has ended', async () => {
    const { dialer, listener, local, arrived, finish } = await connect({ limits: { peerDefault: { streamsInbound: 3 } } })
    const before = held(listener)

    for (let i = 0; i < 3; i++) {
      const stream = await local.newStream(PROTOCOL)
      await eventually(() => arrived.length > i, 'the stream')
      stream.abort(new Error('reset'))
    }

    await eventually(() => arrived.every(({ status }) => status !== 'open'), 'the resets')
    expect(streamsOf(listener)).to.equal(3)
    expect(listener.services.resourceManager.stat().handlers).to.deep.equal({ running: 3, overdue: 0 })

    // no room for a fourth handler
    await expect(local.newStream(PROTOCOL)).to.eventually.be.rejected()
    expect(arrived).to.have.lengthOf(3)
    await eventuallyHeld(dialer, { system: { numConnsOutbound: 1 }, [listener.peerId.toString()]: { numConnsOutbound: 1 } })

    finish()
    await eventuallyHeld(listener, before)
  })

  it('should not wait for the handler where that is turned off', async () => {
    const { listener, local, arrived } = await connect({ handlerGrace: 0 })
    const before = held(listener)
    const stream = await local.newStream(PROTOCOL)

    await eventually(() => arrived.length === 1, 'the stream')
    stream.abort(new Error('reset'))
    await eventuallyHeld(listener, before)
  })

  it('should leave nothing when the node stops, and work again after that', async () => {
    const { listener, local, arrived } = await connect()

    await local.newStream(PROTOCOL)
    await eventually(() => arrived.length === 1, 'the stream')
    await listener.stop()
    await eventuallyHeld(listener, {})
  })
})

/**
 * What runs a handler, added as the connections of libp2p do
 */
function handle (handlers: RunningHandlers, handler: (...args: any[]) => any): StreamMiddleware {
  const chain = handlers.observeLast([])

  chain.push(async (stream, connection, next) => {
    await handler(stream, connection)
    next(stream, connection)
  })

  return chain[0]
}

describe('what is kept for handlers', () => {
  const GRACE = 1000
  let clock: SinonFakeTimers

  beforeEach(() => {
    clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
  })

  afterEach(() => {
    clock.restore()
  })

  function setUp (): { handlers: RunningHandlers, ended: LiveStream[], errors: string[], run(handler: () => any, protocol?: string): { live: LiveStream, result: any } } {
    const logger = new CapturedLogger()
    const ended: LiveStream[] = []
    const handlers = new RunningHandlers(makeManager({ logger }).core, (live) => { ended.push(live) }, GRACE)

    return {
      handlers,
      ended,
      errors: logger.errors,
      run: (handler, protocol = '/a/1.0.0') => {
        const live = { stream: { protocol, timeline: {} }, scope: {} } as unknown as LiveStream

        attachToStream(live.stream, live)

        return { live, result: handle(handlers, handler)(live.stream, {} as any, () => {}) }
      }
    }
  }

  it('should be released when nobody waits any more, and named in one line', () => {
    const { handlers, ended, errors, run } = setUp()
    const never = async (): Promise<void> => new Promise(() => {})

    for (const protocol of ['/a/1.0.0', '/b/1.0.0', '/a/1.0.0']) {
      handlers.closed(run(never, protocol).live)
    }

    clock.tick(GRACE / 2)
    handlers.closed(run(never, '/later/1.0.0').live)
    clock.tick(GRACE / 2 - 1)
    expect(ended).to.have.lengthOf(0)
    expect(handlers.stat()).to.deep.equal({ running: 4, overdue: 0 })

    clock.tick(1)
    expect(handlers.stat()).to.deep.equal({ running: 1, overdue: 3 })
    expect(ended.map(({ stream }) => stream.protocol)).to.deep.equal(['/a/1.0.0', '/b/1.0.0', '/a/1.0.0'])
    expect(errors).to.have.lengthOf(1)
    expect(errors[0]).to.include('/a/1.0.0 (2), /b/1.0.0 (1)').and.to.not.include('later')

    clock.tick(GRACE / 2)
    expect(ended).to.have.lengthOf(4)
    expect(handlers.stat()).to.deep.equal({ running: 0, overdue: 4 })
  })

  it('should be released once, however often the stream says that it is closed', async () => {
    const { handlers, ended, run } = setUp()
    let finish = (): void => {}
    const { live, result } = run(async () => new Promise<void>(resolve => { finish = resolve }))

    handlers.closed(live)
    clock.tick(1)
    handlers.closed(live)
    expect(handlers.stat()).to.deep.equal({ running: 1, overdue: 0 })

    finish()
    await result
    expect(ended).to.deep.equal([live])
    expect(handlers.stat()).to.deep.equal({ running: 0, overdue: 0 })
    clock.tick(2 * GRACE)
    expect(ended).to.have.lengthOf(1)
  })

  it('should each be released soon after their time, whatever the time between them', () => {
    const { handlers, ended, run } = setUp()
    const never = async (): Promise<void> => new Promise(() => {})

    for (let i = 0; i < 10; i++) {
      handlers.closed(run(never).live)
      clock.tick(1)
    }

    clock.tick(GRACE + GRACE / 100)
    expect(ended).to.have.lengthOf(10)
    expect(clock.countTimers()).to.equal(0)
  })

  it('should be released at once where a handler has returned or has ended before', async () => {
    const { handlers, ended, run } = setUp()

    for (const handler of [() => {}, async () => {}]) {
      const { live, result } = run(handler)

      await result
      expect(ended).to.have.lengthOf(0)
      handlers.closed(live)
      expect(ended.splice(0)).to.deep.equal([live])
      expect(handlers.stat()).to.deep.equal({ running: 0, overdue: 0 })
    }
  })

  it('should pass on what a handler throws, at once or later', async () => {
    const { handlers, ended, run } = setUp()

    for (const handler of [() => { throw new Error('thrown') }, async () => { throw new Error('thrown') }]) {
      const { live, result } = run(handler)

      handlers.closed(live)
      await expect(result).to.eventually.be.rejectedWith('thrown')
      expect(ended.splice(0)).to.deep.equal([live])
    }
  })

  it('should leave what is no stream of this node alone', async () => {
    const { handlers, ended } = setUp()
    let handled = 0

    await handle(handlers, () => { handled++ })({ timeline: {} } as any, {} as any, () => {})
    expect(handled).to.equal(1)
    expect(ended).to.deep.equal([])
  })

  it('should refuse a grace that is no time', () => {
    for (const grace of [-1, 0.5, NaN, Infinity, '1s' as any]) {
      expect(() => new RunningHandlers(makeManager().core, () => {}, grace)).to.throw('handlerGrace: expected a whole number of milliseconds')
        .with.property('name', 'InvalidParametersError')
    }
  })
})
