import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { expect } from 'aegir/chai'
import sinon from 'sinon'
import { MEMORY_PRIORITY_MEDIUM, MemoryLimitExceededError } from '../../src/index.ts'
import { STALL_GRACE } from '../../src/libp2p/buffers/buffer-progress.ts'
import { LiveConnection } from '../../src/libp2p/buffers/live-connection.ts'
import { LiveStream } from '../../src/libp2p/buffers/live-stream.ts'
import { StreamMemory } from '../../src/libp2p/buffers/stream-memory.ts'
import { refuseForPressure } from '../../src/libp2p/pressure/pressure.ts'
import { observeStreamClass } from '../../src/libp2p/streams/observed-classes.ts'
import { attachToStream } from '../../src/scopes/attached-scopes.ts'
import { PositionedList } from '../../src/util/positioned-list.ts'
import { makeManager } from '../fixtures/default-manager.ts'
import { ownerOf } from './fixtures/live-streams.ts'
import type { Pressures } from '../../src/libp2p/pressure/pressure.ts'
import type { LimitsInit } from '../../src/limits/resolve-limits.ts'
import type { DefaultResourceManager } from '../../src/manager/resource-manager.ts'
import type { DefaultConnectionScope } from '../../src/scopes/connection-scope.ts'
import type { DefaultStreamScope } from '../../src/scopes/stream-scope.ts'
import type { Stream } from '@libp2p/interface'
import type { SinonFakeTimers } from 'sinon'

const KiB = 1024

/**
 * The limit of which buffers may fill this much
 */
function fillable (bytes: number): number {
  return Math.ceil(bytes * 256 / (1 + MEMORY_PRIORITY_MEDIUM))
}

const A = '/memory-a/1.0.0'

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

describe('when buffers are measured', () => {
  const MEASURE_AFTER_BYTES = 64 * KiB
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

    streams[0].readBufferLength = MEASURE_AFTER_BYTES

    receive(MEASURE_AFTER_BYTES - 1)
    await Promise.resolve()
    expect(memoryOf(manager)).to.equal(0)

    receive(1)
    await Promise.resolve()
    expect(memoryOf(manager)).to.equal(MEASURE_AFTER_BYTES)
  })

  it('should not wait for the interval once a lot could not be sent', async () => {
    const { manager, streams } = await setUp(1)

    streams[0].send(new Uint8Array(MEASURE_AFTER_BYTES - 1))
    await Promise.resolve()
    expect(memoryOf(manager)).to.equal(0)

    streams[0].send(new Uint8Array(1))
    await Promise.resolve()
    expect(memoryOf(manager)).to.equal(MEASURE_AFTER_BYTES)
  })

  it('should measure in intervals while there are streams, with one timer, and no longer', async () => {
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

  it('should count everything when a measurement takes several turns of the event loop, and what comes and goes meanwhile', async () => {
    const { live, manager, memory, streams, timers } = await setUp(300)
    let now = 0
    // every reading of the clock takes longer than a slice
    const slow = sinon.stub(performance, 'now').callsFake(() => { now += 10; return now })

    try {
      streams.forEach(stream => { stream.readBufferLength = 7 })
      clock.tick(250)
      expect(memoryOf(manager), 'nothing is counted before all of it is measured').to.equal(0)
      expect(timers()).to.equal(1)

      // what was measured already is gone, and what was not
      const gone = [[...live][299], [...live][0]]

      gone.forEach(one => {
        live.delete(one)
        one.scope.done()
      })

      // a new connection does not begin a second measurement
      memory.start()
      expect(timers()).to.equal(1)

      clock.tick(10)
      expect(memoryOf(manager)).to.equal(7 * 298)
      expect(timers()).to.equal(1)

      // what had something and has nothing is measured again
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
    memory.measure()

    expect(streams.map(({ status }) => status)).to.deep.equal(['open', 'open', 'aborted', 'open', 'open'])
    expect(memoryOf(manager)).to.equal(100)
  })

  it('should end a stream that has been reset and does not give up what nobody has read', async () => {
    const { manager, memory, live, streams } = await setUp(2, { system: { memory: fillable(100) } })

    streams[0].abort = () => {}
    streams[0].readBufferLength = 80
    memory.measure()
    streams[1].readBufferLength = 50
    memory.measure()

    expect(live.size).to.equal(1)
    expect(memoryOf(manager)).to.equal(50)
  })

  it('should end the next ones, and count nothing of it, where a stream throws when it is aborted', async () => {
    const { manager, live, memory, streams } = await setUp(3, { system: { memory: fillable(100) } })

    streams[0].abort = () => { throw new Error('no') }
    ;[90, 80, 70].forEach((size, i) => { streams[i].readBufferLength = size })
    memory.measure()

    expect(live.size).to.equal(2)
    expect(streams[1].status).to.equal('aborted')
    expect(streams[2].status).to.equal('open')
    expect(memoryOf(manager)).to.equal(70)
  })

  it('should go on in its intervals after an error', async () => {
    const { manager, streams, timers } = await setUp(2)

    Object.defineProperty(streams[0], 'readBufferLength', { configurable: true, get: () => { throw new Error('no') } })
    streams[1].readBufferLength = 7
    expect(() => clock.tick(250)).to.throw('no')
    expect(timers()).to.equal(1)

    Object.defineProperty(streams[0], 'readBufferLength', { value: 5 })
    clock.tick(250)
    expect(memoryOf(manager)).to.equal(12)
    expect(timers()).to.equal(1)
  })

  it('should count what the channel of a stream has not sent, while it says so', async () => {
    const { manager, memory, live, streams } = await setUp(1)
    const [before] = live
    const channel = { readyState: 'open', bufferedAmount: 7 }
    const stream = Object.assign(streams[0], { channel })

    clear(live)
    live.add(new LiveStream(stream as unknown as Stream, before.scope, before.connectionScope, ownerOf(live)))
    memory.measure()
    expect(memoryOf(manager)).to.equal(7)

    Object.defineProperty(channel, 'bufferedAmount', { get: () => { throw new Error('destroyed') } })
    memory.measure()
    expect(memoryOf(manager)).to.equal(0)

    Object.assign(stream, { channel: { readyState: 'closing', bufferedAmount: 7 } })
    clear(live)
    live.add(new LiveStream(stream as unknown as Stream, before.scope, before.connectionScope, ownerOf(live)))
    memory.measure()
    expect(memoryOf(manager)).to.equal(0)
  })

  it('should not forget what was found in the middle of measuring very many', async () => {
    const { manager, memory, streams } = await setUp(200, { system: { memory: fillable(100) } })
    let now = 0

    // a clock on which every part of it takes longer than it may
    const stub = sinon.stub(performance, 'now').callsFake(() => { now += 10; return now })

    try {
      // a part of them has been measured, and the rest has not
      clock.tick(250)
      expect(clock.countTimers()).to.be.at.least(1)

      for (const stream of [streams[0], streams[199]]) {
        stream.readBufferLength = 30
      }

      memory.measure()
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

  function describeEmptied (what: string, count: number): void {
    it(`should not keep counting ${what} that were empty in the middle of measuring very many`, async () => {
      const { manager, memory, streams } = await setUp(count, { transient: { conns: 201, connsOutbound: 201 } })
      const sockets = Array.from({ length: 200 - count }, () => ({ writableLength: 7 }))
      let now = 0

      for (const socket of sockets) {
        const scope = manager.openConnection('outbound', false) as DefaultConnectionScope
        const raw: any = Object.assign(new FakeStream(), { socket })
        const live = new LiveConnection(scope, raw, { end () {}, closed () {} })

        memory.addConnection(live)
        live.upgraded(raw, {} as any)
      }

      streams.forEach((stream, i) => { stream[i % 2 === 0 ? 'readBufferLength' : 'writeBufferLength'] = 7 })
      memory.measure()
      expect(memoryOf(manager)).to.equal(7 * 200)

      // the measurement of the interval begins with these
      streams.slice(190).forEach(stream => { Object.assign(stream, { readBufferLength: 0, writeBufferLength: 0 }) })
      sockets.slice(190).forEach(socket => { socket.writableLength = 0 })

      // a clock on which every part of it takes longer than it may
      const stub = sinon.stub(performance, 'now').callsFake(() => { now += 10; return now })

      try {
        clock.tick(250)
        expect(memoryOf(manager), 'it goes on').to.equal(7 * 200)
        memory.measure()
        expect(memoryOf(manager)).to.equal(7 * 190)

        // the rest of it, and more
        clock.tick(1_000)
        expect(memoryOf(manager)).to.equal(7 * 190)
      } finally {
        stub.restore()
      }
    })
  }

  describeEmptied('streams', 200)
  describeEmptied('connections', 0)

  it('should abort the one that grows where others hold nothing that could be freed', async () => {
    const { manager, memory, streams } = await setUp(2, { system: { memory: fillable(100) } })

    manager.viewSystem(scope => { scope.reserveMemory(fillable(100) - 10) })
    streams[0].readBufferLength = 10
    memory.measure()
    expect(streams[0].status).to.equal('open')

    streams[0].readBufferLength = 11
    memory.measure()
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

  it('should ask again with each measurement whether a remote still has to wait, and only those that do', async () => {
    const { memory, streams, live } = await setUp(4, { system: { memory: 2 ** 30 } })
    const windowUpdates = (): number[] => streams.map(stream => stream.windowUpdates)

    streams.forEach((stream, i) => { stream.readBufferLength = i === 3 ? MAX_UNREAD : MAX_UNREAD + 1 })
    // those that have to wait may ask more than once
    streams.forEach(stream => { stream.sendWindowUpdate() })
    streams.forEach(stream => { stream.sendWindowUpdate() })
    memory.measure()
    memory.measure()
    expect(windowUpdates()).to.deep.equal([0, 0, 0, 2])

    streams[0].readBufferLength = MAX_UNREAD
    memory.measure()
    memory.measure()
    expect(windowUpdates()).to.deep.equal([1, 0, 0, 2])

    // it waits once more
    streams[0].readBufferLength = MAX_UNREAD + 1
    streams[0].sendWindowUpdate()
    // this one is read before anything is measured
    streams[1].readBufferLength = 0
    ;[...live][1].read(1)
    // and this one is closed
    streams[2].abort(new Error('closed'))
    memory.measure()
    memory.measure()
    expect(windowUpdates()).to.deep.equal([1, 1, 0, 2])

    streams[0].readBufferLength = 0
    memory.measure()
    memory.measure()
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
    memory.measure()
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
