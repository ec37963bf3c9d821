import { yamux } from '@chainsafe/libp2p-yamux'
import { mplex } from '@libp2p/mplex'
import { expect } from 'aegir/chai'
import delay from 'delay'
import fc from 'fast-check'
import { getStreamScope, MEMORY_PRIORITY_MEDIUM, MemoryLimitExceededError } from '../../src/index.ts'
import { LiveStream } from '../../src/libp2p/buffers/live-stream.ts'
import { attachedToStream } from '../../src/scopes/attached-scopes.ts'
import { PositionedList } from '../../src/util/positioned-list.ts'
import { eventually, rejection } from './fixtures/eventually.ts'
import { ownerOf } from './fixtures/live-streams.ts'
import { held, otherEnd, TestNodes } from './fixtures/nodes.ts'
import { overMemory } from './fixtures/transports.ts'
import type { NodeOptions, TestNode } from './fixtures/nodes.ts'
import type { ResourceManagerInit } from '../../src/index.ts'
import type { DefaultConnectionScope } from '../../src/scopes/connection-scope.ts'
import type { DefaultStreamScope } from '../../src/scopes/stream-scope.ts'
import type { Connection, Stream, StreamCloseEvent } from '@libp2p/interface'

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

    it('should deliver the same bytes whenever the buffers are measured', async () => {
      const { listener, open } = await connect()
      const { near, far } = await open()
      const live = [near, far].map(stream => new LiveStream(stream, attachedToStream(far)?.scope as DefaultStreamScope, {} as DefaultConnectionScope, ownerOf(new PositionedList())))
      const measure = (): void => { live.forEach(one => { one.measure() }) }
      const sent: number[] = []
      const echoed: number[] = []

      far.addEventListener('message', ({ data }) => { far.send(data) })
      near.addEventListener('message', ({ data }) => { echoed.push(...data.subarray()) })

      await fc.assert(fc.asyncProperty(fc.array(fc.oneof(fc.integer({ min: 1, max: 3_000 }), fc.constantFrom(1, 'pause', 'resume', 'measure', 'wait'))), async (steps) => {
        for (const step of steps) {
          if (typeof step === 'number') {
            const data = crypto.getRandomValues(new Uint8Array(step))

            near.send(data)
            sent.push(...data)
          } else if (step === 'measure') {
            measure()
          } else if (step === 'wait') {
            await delay(0)
          } else {
            far[step as 'pause' | 'resume']()
          }
        }

        far.resume()
        await eventually(() => {
          measure()

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
