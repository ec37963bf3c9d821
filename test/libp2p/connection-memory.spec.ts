import { yamux } from '@chainsafe/libp2p-yamux'
import { mplex } from '@libp2p/mplex'
import { expect } from 'aegir/chai'
import sinon from 'sinon'
import { Uint8ArrayList } from 'uint8arraylist'
import { getConnectionScope, MEMORY_PRIORITY_MEDIUM, MemoryLimitExceededError } from '../../src/index.ts'
import { LiveConnection } from '../../src/libp2p/buffers/live-connection.ts'
import { LiveStream } from '../../src/libp2p/buffers/live-stream.ts'
import { StreamMemory } from '../../src/libp2p/buffers/stream-memory.ts'
import { observeConnectionClass } from '../../src/libp2p/streams/observed-classes.ts'
import { attachToConnection } from '../../src/scopes/attached-scopes.ts'
import { PositionedList } from '../../src/util/positioned-list.ts'
import { makeManager } from '../fixtures/default-manager.ts'
import { fakePeer } from '../scopes/fixtures.ts'
import { eventually } from './fixtures/eventually.ts'
import { Inbox, PROTOCOL } from './fixtures/inbox.ts'
import { ownerOf } from './fixtures/live-streams.ts'
import { muxerOf, otherEnd, rawConnection, TestNodes } from './fixtures/nodes.ts'
import { overMemory } from './fixtures/transports.ts'
import type { TestNode } from './fixtures/nodes.ts'
import type { ResourceManagerInit } from '../../src/index.ts'
import type { LimitsInit } from '../../src/limits/resolve-limits.ts'
import type { DefaultResourceManager } from '../../src/manager/resource-manager.ts'
import type { DefaultConnectionScope } from '../../src/scopes/connection-scope.ts'
import type { DefaultStreamScope } from '../../src/scopes/stream-scope.ts'
import type { Connection, Stream, StreamMuxerFactory } from '@libp2p/interface'
import type { SinonFakeTimers } from 'sinon'

const KiB = 1024

/**
 * The limit of which buffers may fill this much
 */
function fillable (bytes: number): number {
  return Math.ceil(bytes * 256 / (1 + MEMORY_PRIORITY_MEDIUM))
}

/**
 * The beginning of a message for a stream that is not there
 */
const beginnings: Record<string, { muxer(): (components: any) => StreamMuxerFactory, message(size: number): Uint8Array }> = {
  yamux: {
    muxer: yamux,
    message: (size) => {
      const message = new Uint8Array(12 + size)
      const view = new DataView(message.buffer)

      view.setUint32(4, 4_000_001)
      view.setUint32(8, size)

      return message
    }
  },
  mplex: {
    muxer: mplex,
    message: (size) => {
      const message = new Uint8Array(6 + size)

      // two varints: the stream and what it is, and the size
      message.set([(100 << 3 | 2) & 0x7f | 0x80, (100 << 3 | 2) >> 7, size & 0x7f | 0x80, (size >> 7) & 0x7f | 0x80, size >> 14])

      return message.subarray(0, 5 + size)
    }
  }
}

for (const [name, { muxer, message }] of Object.entries(beginnings)) {
  describe(`what a connection itself holds (${name})`, () => {
    const nodes = new TestNodes()

    afterEach(async () => {
      await nodes.stop()
    })

    async function connect (manager: ResourceManagerInit = {}): Promise<{ dialer: TestNode, listener: TestNode, local: Connection, remote: Connection, send(data: Uint8Array): void }> {
      const { dialer, listener, address } = await overMemory(muxer()).connect(nodes, { listener: { manager } })
      await Inbox.of(listener)
      const local = await dialer.dial(address)
      const remote = await otherEnd(local, dialer, listener)

      return { dialer, listener, local, remote, send: (data) => { (muxerOf(local) as any).maConn.send(data) } }
    }

    function memoryOf (node: TestNode): number {
      return node.services.resourceManager.stat().system.memory
    }

    it('should count a message whose end has not come, and release it when it has', async () => {
      const { listener, local, remote, send } = await connect()
      const whole = message(100_000)

      send(whole.subarray(0, 60_000))
      await eventually(() => memoryOf(listener) >= 60_000 - 12, 'most of the message')
      expect(getConnectionScope(remote).stat().memory).to.equal(memoryOf(listener))

      send(whole.subarray(60_000))
      await eventually(() => memoryOf(listener) === 0, 'the end of the message')
      expect(remote.status).to.equal('open')
      await local.newStream(PROTOCOL)
    })

    it('should end a connection whose message does not fit, and leave the others', async () => {
      const { dialer, listener, local, remote, send } = await connect({ limits: { system: { memory: fillable(100 * KiB) } } })
      const other = await dialer.dial(listener.getMultiaddrs(), { force: true })
      const ended: unknown[] = []

      rawConnection(remote).addEventListener('close', ({ error }) => { ended.push(error) })
      const whole = message(500_000)

      for (let i = 0; i < 400_000; i += 20_000) {
        send(whole.subarray(i, i + 20_000))
      }

      await eventually(() => remote.status !== 'open' && local.status !== 'open', 'the end of the connection')
      expect(ended).to.have.lengthOf(1)
      expect(ended[0]).to.be.instanceOf(MemoryLimitExceededError).with.property('message', 'conn-1: system: resource limit exceeded')
      await eventually(() => listener.services.resourceManager.stat().system.numConnsInbound === 1, 'one connection')
      expect(memoryOf(listener)).to.equal(0)
      await other.newStream(PROTOCOL)
    })
  })
}

/**
 * A connection that only has buffers
 */
class FakeConnection {
  timeline = {}
  readBuffer = new Uint8ArrayList()
  writeBuffer = new Uint8ArrayList()
  socket?: { writableLength: unknown }
  websocket?: { bufferedAmount: number }
  error?: Error

  abort (err: Error): void {
    this.error = err
  }

  dispatchEvent (_: unknown): boolean {
    return true
  }

  receive (size: number): void {
    this.dispatchEvent({ type: 'message', data: new Uint8Array(size) })
  }
}

describe('when the buffers of connections are measured', () => {
  let clock: SinonFakeTimers

  beforeEach(() => {
    clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  })

  afterEach(() => {
    clock.restore()
  })

  function setUp (limits: LimitsInit['limits'] = {}): { manager: DefaultResourceManager, memory: StreamMemory, live: PositionedList<LiveStream>, held(): number, add(connection?: FakeConnection): { connection: FakeConnection, buffers: LiveConnection, scope: DefaultConnectionScope } } {
    const manager = makeManager({ limits })
    const live = new PositionedList<LiveStream>()
    const memory = new StreamMemory(manager.core, live)

    return {
      manager,
      memory,
      live,
      held: () => manager.stat().system.memory,
      add: (connection = new FakeConnection()) => {
        const scope = manager.openConnection('inbound', false) as DefaultConnectionScope
        const buffers = new LiveConnection(scope, connection as any, {
          end (ended) {
            memory.deleteConnection(ended)
            ended.scope.done()
          },
          closed () {}
        })

        observeConnectionClass(connection as any)
        attachToConnection(connection as any, buffers)
        memory.addConnection(buffers)

        return { connection, buffers, scope }
      }
    }
  }

  it('should count all of them, each once', () => {
    const { add, memory, held } = setUp()
    const { connection, buffers } = add()
    const encrypted = { readBuffer: new Uint8ArrayList(), writeBuffer: new Uint8ArrayList(), decoder: { buffer: new Uint8ArrayList() } }
    const muxer = { decoder: { _buffer: new Uint8ArrayList() } }

    buffers.upgraded(encrypted as any, muxer as any)
    connection.socket = { writableLength: 1 }
    connection.readBuffer.append(new Uint8Array(10))
    connection.writeBuffer.append(new Uint8Array(100))
    encrypted.readBuffer.append(new Uint8Array(1_000))
    encrypted.writeBuffer.append(new Uint8Array(10_000))
    encrypted.decoder.buffer.append(new Uint8Array(100_000))
    muxer.decoder._buffer.append(new Uint8Array(1_000_000))
    memory.measure()
    expect(held()).to.equal(1_111_111)

    // what transports that encrypt by themselves give to the muxer
    const { connection: native, buffers: nativeBuffers } = add()
    nativeBuffers.upgraded(native as any, {} as any)
    native.readBuffer.append(new Uint8Array(5))
    memory.measure()
    expect(held()).to.equal(1_111_116)
  })

  it('should count what is received above 64 KiB until the connection is upgraded', () => {
    const { add, memory, held } = setUp()
    const { connection, buffers } = add()

    connection.dispatchEvent({ type: 'drain' })
    connection.receive(64 * KiB)
    memory.measure()
    expect(held()).to.equal(0)

    connection.receive(1_000)
    memory.measure()
    expect(held()).to.equal(1_000)

    buffers.upgraded({} as any, {} as any)
    connection.receive(100 * KiB)
    memory.measure()
    expect(held()).to.equal(0)
  })

  it('should end what is upgraded and receives too much, without waiting for the interval', async () => {
    const { add } = setUp({ system: { memory: fillable(100 * KiB) } })
    const [quiet, loud] = [add(), add()]

    for (let i = 0; i < 12; i++) {
      quiet.connection.receive(KiB)
      loud.connection.receive(16 * KiB)
      await Promise.resolve()
    }

    expect(loud.connection.error).to.be.instanceOf(MemoryLimitExceededError).with.property('scope', 'system')
    expect(quiet.connection.error).to.equal(undefined)
  })

  it('should count what sockets have not sent, where they say so', () => {
    const { add, memory, held } = setUp()

    add().connection.websocket = { bufferedAmount: 7 }
    add().connection.socket = { writableLength: undefined }
    add(Object.assign(new FakeConnection(), { readBuffer: undefined, writeBuffer: {} }) as any)
    memory.measure()
    expect(held()).to.equal(7)
  })

  it('should end what holds most in the scope that is full, be it a connection or a stream', () => {
    const { add, memory, manager, live, held } = setUp({ system: { memory: 100 } })
    const [small, large] = [add(), add()]
    const stream = Object.assign(new FakeConnection(), { readBufferLength: 0, writeBufferLength: 0 })
    const streamScope = manager.openStream(fakePeer(1), 'inbound') as DefaultStreamScope

    live.add(new LiveStream(stream as unknown as Stream, streamScope, small.scope, ownerOf(live)))

    small.connection.socket = { writableLength: 20 }
    large.connection.socket = { writableLength: 60 }
    memory.measure()
    expect(held()).to.equal(80)

    stream.readBufferLength = 31
    memory.measure()
    expect(large.connection.error).to.be.instanceOf(MemoryLimitExceededError).with.property('message', 'conn-2: system: resource limit exceeded')
    expect(large.scope.closed).to.equal(true)
    expect(held()).to.equal(51)

    small.connection.socket = { writableLength: 70 }
    stream.readBufferLength = 80
    memory.measure()
    expect(stream.error).to.be.instanceOf(MemoryLimitExceededError)
    expect(small.connection.error).to.equal(undefined)
    expect(held()).to.equal(70)
  })

  it('should measure in intervals while there are connections, and no longer', () => {
    const { add, memory, held } = setUp()
    const others = clock.countTimers()
    const { connection, buffers, scope } = add()

    expect(clock.countTimers() - others).to.equal(1)
    connection.socket = { writableLength: 7 }
    clock.tick(250)
    expect(held()).to.equal(7)

    memory.deleteConnection(buffers)
    scope.done()
    clock.tick(250)
    expect(clock.countTimers() - others).to.equal(0)
    expect(held()).to.equal(0)
  })
})
