import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { mplex } from '@libp2p/mplex'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { expect } from 'aegir/chai'
import delay from 'delay'
import fc from 'fast-check'
import sinon from 'sinon'
import { getStreamScope, MEMORY_PRIORITY_MEDIUM, MemoryLimitExceededError } from '../../src/index.ts'
import { STALL_GRACE } from '../../src/libp2p/buffers/buffer-progress.ts'
import { LiveConnection } from '../../src/libp2p/buffers/live-connection.ts'
import { LiveStream } from '../../src/libp2p/buffers/live-stream.ts'
import { StreamMemory } from '../../src/libp2p/buffers/stream-memory.ts'
import { refuseForPressure } from '../../src/libp2p/pressure/pressure.ts'
import { observeStreamClass } from '../../src/libp2p/streams/observed-classes.ts'
import { attachToStream, attachedToStream } from '../../src/scopes/attached-scopes.ts'
import { PositionedList } from '../../src/util/positioned-list.ts'
import { makeManager } from '../fixtures/default-manager.ts'
import { eventually, rejection } from './fixtures/eventually.ts'
import { ownerOf } from './fixtures/live-streams.ts'
import { held, otherEnd, TestNodes } from './fixtures/nodes.ts'
import { overMemory } from './fixtures/transports.ts'
import type { NodeOptions, TestNode } from './fixtures/nodes.ts'
import type { ResourceManagerInit } from '../../src/index.ts'
import type { Pressures } from '../../src/libp2p/pressure/pressure.ts'
import type { LimitsInit } from '../../src/limits/resolve-limits.ts'
import type { DefaultResourceManager } from '../../src/manager/resource-manager.ts'
import type { DefaultConnectionScope } from '../../src/scopes/connection-scope.ts'
import type { DefaultStreamScope } from '../../src/scopes/stream-scope.ts'
import type { Connection, Stream, StreamCloseEvent } from '@libp2p/interface'
import type { SinonFakeTimers } from 'sinon'

const KiB = 1024

/**
 * What a muxer transfers before the other end has to read
 */
const WINDOW = 256 * KiB

/**
 * The limit of which buffers may fill this much
 */
function fillable (bytes: number): number {
  return Math.ceil(bytes * 256 / (1 + MEMORY_PRIORITY_MEDIUM))
}

const A = '/memory-a/1.0.0'
const B = '/memory-b/1.0.0'

for (const [name, muxer] of Object.entries({ yamux: yamux(), mplex: mplex() })) {
  describe(`the buffers of streams (${name})`, () => {
    const nodes = new TestNodes()

    afterEach(async () => {
      await nodes.stop()
    })

    interface Connected {
      dialer: TestNode
      listener: TestNode
      local: Connection

      /** Opens a stream that the listener does not read */
      open(protocol?: string): Promise<{ near: Stream, far: Stream, ended: Error[] }>
    }

    async function connect (manager: ResourceManagerInit = {}, dialerOptions: NodeOptions = {}): Promise<Connected> {
      const { dialer, listener, address } = await overMemory(muxer).connect(nodes, { dialer: dialerOptions, listener: { manager } })
      const arrived: Stream[] = []
      const take = (stream: Stream): void => { arrived.push(stream) }

      await listener.handle(A, take)
      await listener.handle(B, take)
      const local = await dialer.dial(address)
      await otherEnd(local, dialer, listener)

      return {
        dialer,
        listener,
        local,
        open: async (protocol = A) => {
          const index = arrived.length
          const near = await local.newStream(protocol)
          const far = await eventually(() => arrived[index], 'the inbound stream')
          const ended: Error[] = []

          far.addEventListener('close', (event: StreamCloseEvent) => {
            if (event.error != null) {
              ended.push(event.error)
            }
          })

          return { near, far, ended }
        }
      }
    }

    function memoryOf (node: TestNode): number {
      return node.services.resourceManager.stat().system.memory
    }

    async function eventuallyMemory (node: TestNode, bytes: number): Promise<void> {
      await eventually(() => memoryOf(node) === bytes, `${bytes} bytes, but there are ${memoryOf(node)}`)
    }

    it('should count what nobody reads in every scope of the stream, and release what was read', async () => {
      const { dialer, listener, open } = await connect()
      const { near, far } = await open()

      near.send(new Uint8Array(100 * KiB))
      await eventuallyMemory(listener, 100 * KiB)

      const { peers, protocols, transient } = listener.services.resourceManager.stat()
      expect(getStreamScope(far).stat().memory).to.equal(100 * KiB)
      expect(peers[dialer.peerId.toString()].memory).to.equal(100 * KiB)
      expect(protocols[A].memory).to.equal(100 * KiB)
      expect(transient.memory).to.equal(0)

      let read = 0
      far.addEventListener('message', ({ data }) => { read += data.byteLength })
      await eventuallyMemory(listener, 0)
      expect(read).to.equal(100 * KiB)
    })

    it('should count what arrives while a stream is paused', async () => {
      const { listener, open } = await connect()
      const { near, far } = await open()
      let read = 0

      far.addEventListener('message', ({ data }) => { read += data.byteLength })
      far.pause()
      near.send(new Uint8Array(10 * KiB))
      await eventuallyMemory(listener, 10 * KiB)

      far.resume()
      await eventuallyMemory(listener, 0)
      expect(read).to.equal(10 * KiB)
    })

    it('should abort the stream that holds most in a full scope, and leave the others', async () => {
      const { listener, open } = await connect({ limits: { system: { memory: fillable(300 * KiB) } } })
      const large = await open()
      const small = await open()
      const other = await open(B)

      large.near.send(new Uint8Array(150 * KiB))
      other.near.send(new Uint8Array(120 * KiB))
      await eventuallyMemory(listener, 270 * KiB)

      small.near.send(new Uint8Array(100 * KiB))
      await eventuallyMemory(listener, 220 * KiB)

      expect(large.far.status).to.equal('aborted')
      expect(small.far.status).to.equal('open')
      expect(other.far.status).to.equal('open')
      expect(large.ended).to.have.lengthOf(1)
      expect(large.ended[0]).to.be.instanceOf(MemoryLimitExceededError).with.property('scope', 'system')
      await eventually(() => large.near.status !== 'open', 'the reset at the other end')
    })

    it('should hold what just fits and abort at one byte more', async () => {
      const { listener, open } = await connect({ limits: { system: { memory: fillable(50 * KiB) } } })
      const { near, far, ended } = await open()

      near.send(new Uint8Array(50 * KiB))
      await eventuallyMemory(listener, 50 * KiB)
      expect(far.status).to.equal('open')

      near.send(new Uint8Array(1))
      await eventually(() => far.status === 'aborted', 'the end of the stream')
      expect(ended[0]).to.be.instanceOf(MemoryLimitExceededError)
      expect(memoryOf(listener)).to.equal(0)
    })

    it('should only report where limits are not enforced', async () => {
      const { listener, open } = await connect({ enforce: false, limits: { system: { memory: 1 } } })
      const { near, far } = await open()

      near.send(new Uint8Array(10 * KiB))
      await eventuallyMemory(listener, 10 * KiB)
      expect(far.status).to.equal('open')
      expect(listener.services.resourceManager.refusals()).to.have.lengthOf(1)
    })

    it('should not be touched by what a handler reserves and releases itself', async () => {
      const { listener, open } = await connect()
      const { near, far } = await open()

      near.send(new Uint8Array(10 * KiB))
      await eventuallyMemory(listener, 10 * KiB)

      getStreamScope(far).reserveMemory(5 * KiB)
      expect(memoryOf(listener)).to.equal(15 * KiB)
      getStreamScope(far).releaseMemory(20 * KiB)
      expect(memoryOf(listener)).to.equal(10 * KiB)

      near.abort(new Error('reset'))
      await eventuallyMemory(listener, 0)
    })

    for (const [ending, end] of Object.entries<(near: Stream, far: Stream, local: Connection) => unknown>({
      'the remote resets it': (near) => { near.abort(new Error('reset')) },
      'this end aborts it': (_, far) => { far.abort(new Error('aborted')) },
      'the connection is aborted': (_near, _far, local) => { local.abort(new Error('aborted')) }
    })) {
      it(`should hold nothing for a stream with unread data when ${ending}`, async () => {
        const { listener, local, open } = await connect()
        const { near, far } = await open()
        const before = { ...held(listener) }

        near.send(new Uint8Array(10 * KiB))
        await eventuallyMemory(listener, 10 * KiB)
        expect(held(listener)).to.not.deep.equal(before)

        await end(near, far, local)
        await eventually(() => far.status !== 'open', 'the end of the stream')
        await eventuallyMemory(listener, 0)
      })
    }

    it('should abort at the limit what comes byte by byte, and weighs little more until then', async () => {
      const { listener, open } = await connect({ limits: { system: { memory: fillable(2_000) } } })
      const { near, far, ended } = await open()
      const pieces = (): Uint8Array[] => [...(far as any).readBuffer]

      for (let i = 0; i < 2_000; i++) {
        near.send(Uint8Array.of(i))
      }

      await eventuallyMemory(listener, 2_000)
      expect(far.status).to.equal('open')
      expect(pieces().length).to.be.below(10)
      expect(pieces().reduce((sum, { buffer }) => sum + buffer.byteLength, 0)).to.equal(2_000)

      near.send(Uint8Array.of(1))
      await eventually(() => far.status === 'aborted', 'the end of the stream')
      expect(ended[0]).to.be.instanceOf(MemoryLimitExceededError)
    })

    it('should deliver the same bytes whenever somebody looks at the buffers', async () => {
      const { listener, open } = await connect()
      const { near, far } = await open()
      const live = [near, far].map(stream => new LiveStream(stream, attachedToStream(far)?.scope as DefaultStreamScope, {} as DefaultConnectionScope, ownerOf(new PositionedList())))
      const look = (): void => { live.forEach(one => { one.measure() }) }
      const sent: number[] = []
      const echoed: number[] = []

      far.addEventListener('message', ({ data }) => { far.send(data) })
      near.addEventListener('message', ({ data }) => { echoed.push(...data.subarray()) })

      await fc.assert(fc.asyncProperty(fc.array(fc.oneof(fc.integer({ min: 1, max: 3_000 }), fc.constantFrom(1, 'pause', 'resume', 'look', 'wait'))), async (steps) => {
        for (const step of steps) {
          if (typeof step === 'number') {
            const data = crypto.getRandomValues(new Uint8Array(step))

            near.send(data)
            sent.push(...data)
          } else if (step === 'look') {
            look()
          } else if (step === 'wait') {
            await delay(0)
          } else {
            far[step as 'pause' | 'resume']()
          }
        }

        far.resume()
        await eventually(() => {
          look()

          return echoed.length === sent.length
        }, 'the echo')
        expect(Uint8Array.from(echoed)).to.equalBytes(Uint8Array.from(sent))
        sent.length = 0
        echoed.length = 0
      }), { numRuns: 20 })

      await eventuallyMemory(listener, 0)
    })

    it('should deliver the same bytes whether a stream is paused or not', async () => {
      const { open } = await connect()
      const { near, far } = await open()
      const sent = Array.from({ length: 40 }, (_, i) => crypto.getRandomValues(new Uint8Array(1 + i * 1_601)))
      const total = sent.reduce((sum, { byteLength }) => sum + byteLength, 0)
      const echoed: Uint8Array[] = []
      let messages = 0

      far.addEventListener('message', ({ data }) => {
        far.send(data)

        if (++messages % 3 === 0) {
          far.pause()
          setTimeout(() => { far.resume() })
        }
      })
      near.addEventListener('message', ({ data }) => { echoed.push(data.subarray()) })

      for (const data of sent) {
        if (!near.send(data)) {
          await near.onDrain()
        }
      }

      await eventually(() => echoed.reduce((sum, { byteLength }) => sum + byteLength, 0) === total, 'the echo')
      expect(await new Blob(echoed as BlobPart[]).bytes()).to.equalBytes(await new Blob(sent as BlobPart[]).bytes())
    })
  })
}

describe('the write buffers of streams', () => {
  const nodes = new TestNodes()

  afterEach(async () => {
    await nodes.stop()
  })

  it('should end a stream whose remote does not read, and wake up who waits for it', async () => {
    const { dialer, listener, address } = await overMemory(yamux()).connect(nodes, {
      dialer: { manager: { limits: { system: { memory: 4 * WINDOW } } } }
    })
    await listener.handle(A, (stream) => { stream.pause() })
    const stream = await (await dialer.dial(address)).newStream(A)

    // what the window takes is gone from this end
    for (let i = 0; i < 12; i++) {
      stream.send(new Uint8Array(WINDOW))
    }

    expect(await rejection(stream.onDrain())).to.be.instanceOf(MemoryLimitExceededError)
    expect(stream.status).to.equal('aborted')
    expect(dialer.services.resourceManager.stat().system.memory).to.equal(0)
  })

  it('should count what a stream has not sent yet', async () => {
    const { dialer, listener, address } = await overMemory(yamux()).connect(nodes)
    await listener.handle(A, (stream) => { stream.pause() })
    const stream = await (await dialer.dial(address)).newStream(A)

    stream.send(new Uint8Array(3 * WINDOW))
    await eventually(() => stream.writeBufferLength > 0 && dialer.services.resourceManager.stat().system.memory === stream.writeBufferLength, 'the write buffer')
  })

  it('should not hold all of what was sent for the last bytes that the remote does not take', async () => {
    const { dialer, listener, address } = await overMemory(yamux()).connect(nodes)
    await listener.handle(A, (stream) => { stream.pause() })
    const stream = await (await dialer.dial(address)).newStream(A)
    const left = (): Uint8Array[] => [...(stream as any).writeBuffer]

    stream.send(new Uint8Array(WINDOW + 100))
    await eventually(() => stream.writeBufferLength > 0 && dialer.services.resourceManager.stat().system.memory === stream.writeBufferLength, 'the write buffer')
    expect(stream.writeBufferLength).to.be.below(KiB)
    expect(left().map(({ buffer }) => buffer.byteLength)).to.deep.equal([stream.writeBufferLength])
  })
})

/**
 * What a stream may have unread before its remote has to wait
 */
const MAX_UNREAD = 4 * KiB * KiB

function clear (live: PositionedList<LiveStream>): void {
  for (const one of [...live]) {
    live.delete(one)
  }
}

/**
 * A stream that only has buffers
 */
class FakeStream {
  readBufferLength = 0
  writeBufferLength = 0
  status = 'open'
  timeline = {}
  windowUpdates = 0

  dispatchEvent (): boolean {
    return true
  }

  sendWindowUpdate (): void {
    this.windowUpdates++
  }

  async * [Symbol.asyncIterator] (): AsyncGenerator<Uint8Array> {}

  error?: Error

  abort (err: Error): void {
    this.error = err
    this.status = 'aborted'
    this.readBufferLength = 0
    this.writeBufferLength = 0
  }

  addEventListener (): void {}

  send (data: Uint8Array): boolean {
    this.writeBufferLength += data.byteLength

    return false
  }
}

describe('when buffers are looked at', () => {
  const LOOK_AFTER_BYTES = 64 * KiB
  let clock: SinonFakeTimers

  beforeEach(() => {
    clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  })

  afterEach(() => {
    clock.restore()
  })

  async function setUp (count: number, limits: LimitsInit['limits'] = {}, enforce = true, pressures?: Pick<Pressures, 'findProcessRefusal'>): Promise<{ manager: DefaultResourceManager, memory: StreamMemory, live: PositionedList<LiveStream>, streams: FakeStream[], timers(): number }> {
    const manager = makeManager({ limits, enforce })
    const peer = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
    const streams = Array.from({ length: count }, () => new FakeStream())
    const connection = manager.openConnection('outbound', false) as DefaultConnectionScope
    const live = new PositionedList<LiveStream>()
    const memory = new StreamMemory(manager.core, live, { pressures })

    for (const stream of streams) {
      const one = new LiveStream(stream as unknown as Stream, manager.openStream(peer, 'outbound') as DefaultStreamScope, connection, ownerOf(live, memory))

      live.add(one)
      observeStreamClass(one.stream)
      attachToStream(one.stream, one)
    }

    // the manager has a timer of its own
    const others = clock.countTimers()
    memory.start()

    return { manager, memory, live, streams, timers: () => clock.countTimers() - others }
  }

  function memoryOf (manager: DefaultResourceManager): number {
    return manager.stat().system.memory
  }

  it('should not wait for the interval once a lot has been received', async () => {
    const { manager, memory, streams } = await setUp(1)
    const receive = (bytes: number): void => { memory.countBytes(bytes) }

    streams[0].readBufferLength = LOOK_AFTER_BYTES

    receive(LOOK_AFTER_BYTES - 1)
    await Promise.resolve()
    expect(memoryOf(manager)).to.equal(0)

    receive(1)
    await Promise.resolve()
    expect(memoryOf(manager)).to.equal(LOOK_AFTER_BYTES)
  })

  it('should not wait for the interval once a lot could not be sent', async () => {
    const { manager, streams } = await setUp(1)

    streams[0].send(new Uint8Array(LOOK_AFTER_BYTES - 1))
    await Promise.resolve()
    expect(memoryOf(manager)).to.equal(0)

    streams[0].send(new Uint8Array(1))
    await Promise.resolve()
    expect(memoryOf(manager)).to.equal(LOOK_AFTER_BYTES)
  })

  it('should look in intervals while there are streams, with one timer, and no longer', async () => {
    const { manager, live, streams, timers } = await setUp(10)

    expect(timers()).to.equal(1)
    streams[3].readBufferLength = 7
    clock.tick(250)
    expect(memoryOf(manager)).to.equal(7)
    expect(timers()).to.equal(1)

    clear(live)
    clock.tick(250)
    expect(timers()).to.equal(0)
  })

  it('should count everything when a look takes several turns of the event loop, and what comes and goes meanwhile', async () => {
    const { live, manager, memory, streams, timers } = await setUp(300)
    let now = 0
    // every look at the clock takes longer than a slice
    const slow = sinon.stub(performance, 'now').callsFake(() => { now += 10; return now })

    try {
      streams.forEach(stream => { stream.readBufferLength = 7 })
      clock.tick(250)
      expect(memoryOf(manager), 'nothing is counted before all of it is measured').to.equal(0)
      expect(timers()).to.equal(1)

      // what was looked at already is gone, and what was not
      const gone = [[...live][299], [...live][0]]

      gone.forEach(one => {
        live.delete(one)
        one.scope.done()
      })

      // a new connection does not begin a second look
      memory.start()
      expect(timers()).to.equal(1)

      clock.tick(10)
      expect(memoryOf(manager)).to.equal(7 * 298)
      expect(timers()).to.equal(1)

      // what had something and has nothing is looked at again
      streams.forEach(stream => { stream.readBufferLength = 0 })
      clock.tick(260)
      expect(memoryOf(manager)).to.equal(0)
    } finally {
      slow.restore()
    }
  })

  it('should abort in the order of what they hold, only as many as it takes', async () => {
    const { manager, memory, streams } = await setUp(5, { system: { memory: fillable(100) } })

    ;[10, 30, 50, 20, 40].forEach((size, i) => { streams[i].readBufferLength = size })
    memory.look()

    expect(streams.map(({ status }) => status)).to.deep.equal(['open', 'open', 'aborted', 'open', 'open'])
    expect(memoryOf(manager)).to.equal(100)
  })

  it('should end a stream that has been reset and does not give up what nobody has read', async () => {
    const { manager, memory, live, streams } = await setUp(2, { system: { memory: fillable(100) } })

    streams[0].abort = () => {}
    streams[0].readBufferLength = 80
    memory.look()
    streams[1].readBufferLength = 50
    memory.look()

    expect(live.size).to.equal(1)
    expect(memoryOf(manager)).to.equal(50)
  })

  it('should count what the channel of a stream has not sent, while it says so', async () => {
    const { manager, memory, live, streams } = await setUp(1)
    const [before] = live
    const channel = { readyState: 'open', bufferedAmount: 7 }
    const stream = Object.assign(streams[0], { channel })

    clear(live)
    live.add(new LiveStream(stream as unknown as Stream, before.scope, before.connectionScope, ownerOf(live)))
    memory.look()
    expect(memoryOf(manager)).to.equal(7)

    Object.defineProperty(channel, 'bufferedAmount', { get: () => { throw new Error('destroyed') } })
    memory.look()
    expect(memoryOf(manager)).to.equal(0)

    Object.assign(stream, { channel: { readyState: 'closing', bufferedAmount: 7 } })
    clear(live)
    live.add(new LiveStream(stream as unknown as Stream, before.scope, before.connectionScope, ownerOf(live)))
    memory.look()
    expect(memoryOf(manager)).to.equal(0)
  })

  it('should not forget what was found in the middle of looking at very many', async () => {
    const { manager, memory, streams } = await setUp(200, { system: { memory: fillable(100) } })
    let now = 0

    // a clock on which every part of the look takes longer than it may
    const stub = sinon.stub(performance, 'now').callsFake(() => { now += 10; return now })

    try {
      // a part of them has been looked at, and the rest has not
      clock.tick(250)
      expect(clock.countTimers()).to.be.at.least(1)

      for (const stream of [streams[0], streams[199]]) {
        stream.readBufferLength = 30
      }

      memory.look()
      expect(memory.eviction.short).to.equal(true)

      // and now the rest
      clock.tick(10)
      expect(memory.eviction.short).to.equal(true)
      expect(memoryOf(manager)).to.equal(60)

      // so that what comes next does not get more room than there is
      streams[100].readBufferLength = 41
      clock.tick(260)
      expect(memoryOf(manager)).to.be.at.most(100)
      expect(streams.filter(({ status }) => status === 'aborted')).to.have.lengthOf(1)
    } finally {
      stub.restore()
    }
  })

  it('should abort the one that grows where others hold nothing that could be freed', async () => {
    const { manager, memory, streams } = await setUp(2, { system: { memory: fillable(100) } })

    manager.viewSystem(scope => { scope.reserveMemory(fillable(100) - 10) })
    streams[0].readBufferLength = 10
    memory.look()
    expect(streams[0].status).to.equal('open')

    streams[0].readBufferLength = 11
    memory.look()
    expect(streams[0].status).to.equal('aborted')
    expect(memoryOf(manager)).to.equal(fillable(100) - 10)
  })

  function describeAboveLimit (scope: string, limits: LimitsInit['limits']): void {
    describe(`above the limit of ${scope}`, () => {
      async function setUpNamed (): Promise<Awaited<ReturnType<typeof setUp>>> {
        const up = await setUp(1, limits)

        for (const { scope } of up.live) {
          scope.setProtocol(A)
          scope.setService('s')
        }

        return up
      }

      it('should leave alone what moves, count it, and not let it refuse what a handler reserves', async () => {
        const { manager, streams, live } = await setUpNamed()
        const [{ scope }] = live

        streams[0].writeBufferLength = 2 ** 24

        for (let i = 0; i < 100; i++) {
          clock.tick(1_000)
          streams[0].writeBufferLength -= 10_000
        }

        expect(streams[0].status).to.equal('open')
        expect(memoryOf(manager)).to.equal(2 ** 24 - 99 * 10_000)
        expect(manager.stat().protocols[A].memory).to.equal(memoryOf(manager))

        scope.reserveMemory(1_000)
        expect(() => { scope.reserveMemory(1) }).to.throw().with.property('name', 'MemoryLimitExceededError')
        expect(manager.openStream(scope.peerScope.peer, 'inbound')).to.be.ok()
      })

      it('should end what stands still, after the grace and not before', async () => {
        const { manager, streams, live } = await setUpNamed()

        streams[0].readBufferLength = 1_001
        clock.tick(STALL_GRACE)
        expect(streams[0].status).to.equal('open')

        clock.tick(500)
        expect(streams[0].status).to.equal('aborted')
        expect(streams[0].error).to.be.instanceOf(MemoryLimitExceededError)
        expect(String((streams[0].error as any).scope)).to.include(scope)
        expect((streams[0].error as any).limit).to.equal(1_000)
        expect(live.size).to.equal(1)
        expect(memoryOf(manager)).to.equal(0)
        expect(manager.refusals()).to.have.lengthOf(1)
      })

      it('should leave alone what stands still at the limit', async () => {
        const { streams } = await setUpNamed()

        streams[0].readBufferLength = 1_000
        clock.tick(10 * STALL_GRACE)
        expect(streams[0].status).to.equal('open')
      })
    })
  }

  for (const [scope, limits] of Object.entries({
    'stream-1': { stream: { memory: 1_000 } },
    peer: { peerDefault: { memory: 1_000 } },
    [`protocol:${A}`]: { protocolDefault: { memory: 1_000 } },
    [`protocol:${A}.peer`]: { protocolPeerDefault: { memory: 1_000 } },
    'service:s': { serviceDefault: { memory: 1_000 } },
    'service:s.peer': { servicePeerDefault: { memory: 1_000 } }
  })) {
    describeAboveLimit(scope, limits)
  }

  it('should end the one with most of those that stand still, until the rest fits', async () => {
    const { streams } = await setUp(4, { peerDefault: { memory: 1_000 } })

    ;[300, 500, 400, 100].forEach((size, i) => { streams[i].readBufferLength = size })
    clock.tick(2 * STALL_GRACE)
    expect(streams.map(({ status }) => status)).to.deep.equal(['open', 'aborted', 'open', 'open'])
  })

  it('should only report it, once in each grace, where limits are not enforced', async () => {
    const { manager, streams } = await setUp(1, { stream: { memory: 10 } }, false)

    streams[0].readBufferLength = 11
    clock.tick(STALL_GRACE + 500)
    expect(streams[0].status).to.equal('open')
    expect(manager.refusals()).to.have.nested.property('0.count', 1)
  })

  it('should not blame streams for a connection that is backed up and moves', async () => {
    const { memory, streams, live } = await setUp(100, { peerDefault: { memory: 1_000 } })
    const [{ connectionScope }] = live
    const socket = { writableLength: 10_000_000 }
    const raw = Object.assign(new FakeStream(), { socket })

    memory.addConnection(new LiveConnection(connectionScope, raw as any, { end () {}, closed () {} }))
    streams.forEach(stream => { stream.writeBufferLength = 100_000 })

    for (let i = 0; i < 30; i++) {
      clock.tick(1_000)
      // 10 KB/s for all of them together
      socket.writableLength -= 10_000
    }

    expect(new Set(streams.map(({ status }) => status))).to.deep.equal(new Set(['open']))

    socket.writableLength = 0
    clock.tick(2 * STALL_GRACE)
    expect(streams.filter(({ status }) => status === 'open').length).to.be.at.most(1)
  })

  it('should ask again with each look whether a remote still has to wait, and only those that do', async () => {
    const { memory, streams, live } = await setUp(4, { system: { memory: 2 ** 30 } })
    const windowUpdates = (): number[] => streams.map(stream => stream.windowUpdates)

    streams.forEach((stream, i) => { stream.readBufferLength = i === 3 ? MAX_UNREAD : MAX_UNREAD + 1 })
    // those that have to wait may ask more than once
    streams.forEach(stream => { stream.sendWindowUpdate() })
    streams.forEach(stream => { stream.sendWindowUpdate() })
    memory.look()
    memory.look()
    expect(windowUpdates()).to.deep.equal([0, 0, 0, 2])

    streams[0].readBufferLength = MAX_UNREAD
    memory.look()
    memory.look()
    expect(windowUpdates()).to.deep.equal([1, 0, 0, 2])

    // it waits once more
    streams[0].readBufferLength = MAX_UNREAD + 1
    streams[0].sendWindowUpdate()
    // this one is read before anybody looks
    streams[1].readBufferLength = 0
    ;[...live][1].read(1)
    // and this one is closed
    streams[2].abort(new Error('closed'))
    memory.look()
    memory.look()
    expect(windowUpdates()).to.deep.equal([1, 1, 0, 2])

    streams[0].readBufferLength = 0
    memory.look()
    memory.look()
    expect(windowUpdates()).to.deep.equal([2, 1, 0, 2])
  })

  it('should give up a tenth of what is in buffers, in steps, while the process has too much memory', async () => {
    const { manager, memory, streams } = await setUp(20, {}, true, {
      findProcessRefusal: () => short ? refuseForPressure('processMemory', 'stream', 2, 1) : undefined
    })
    const open = (): number => streams.filter(({ status }) => status === 'open').length
    let short = false

    streams.forEach(stream => { stream.writeBufferLength = 100 })
    clock.tick(1_000)
    expect(open()).to.equal(20)
    expect(memory.eviction.short).to.equal(false)

    short = true
    clock.tick(500)
    expect(open()).to.equal(18)
    expect(memory.eviction.short).to.equal(true)
    expect(streams.find(({ status }) => status !== 'open')?.error).to.be.instanceOf(MemoryLimitExceededError).with.property('scope', 'process')

    clock.tick(1_000)
    expect(open()).to.equal(16)

    short = false
    clock.tick(5_000)
    expect(open()).to.equal(16)
    expect(memoryOf(manager)).to.equal(1_600)
  })

  it('should let what was queued fill the memory, and give way to what is opened and reserved', async () => {
    const { manager, memory, streams } = await setUp(2, { system: { memory: 1_000 } })

    manager.core.graph.roomMakers.push(memory.eviction)
    streams[0].writeBufferLength = 600
    streams[1].writeBufferLength = 400
    memory.look()
    expect(memoryOf(manager)).to.equal(1_000)

    manager.viewSystem(scope => { scope.reserveMemory(300) })
    expect(streams.map(({ status }) => status)).to.deep.equal(['aborted', 'open'])
    expect(memoryOf(manager)).to.equal(700)

    // a reservation that has to leave room for others does not get it from buffers
    expect(() => { manager.viewSystem(scope => { scope.reserveMemory(1, 101) }) }).to.throw().with.property('name', 'MemoryLimitExceededError')

    // nor does one that would not fit without them
    expect(() => { manager.viewSystem(scope => { scope.reserveMemory(701) }) }).to.throw().with.property('name', 'MemoryLimitExceededError')
    expect(memoryOf(manager)).to.equal(700)
  })
})
