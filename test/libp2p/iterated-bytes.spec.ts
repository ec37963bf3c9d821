import { yamux } from '@chainsafe/libp2p-yamux'
import { mplex } from '@libp2p/mplex'
import { expect } from 'aegir/chai'
import { MemoryLimitExceededError, MEMORY_PRIORITY_MEDIUM } from '../../src/index.ts'
import { eventually, rejection } from './fixtures/eventually.ts'
import { otherEnd, TestNodes } from './fixtures/nodes.ts'
import { overMemory } from './fixtures/transports.ts'
import type { TestNode } from './fixtures/nodes.ts'
import type { ResourceManagerInit } from '../../src/index.ts'
import type { Stream } from '@libp2p/interface'

const KiB = 1024
const PROTOCOL = '/iterated/1.0.0'
const OTHER = '/not-iterated/1.0.0'

/**
 * More than a muxer transfers before the other end has to read
 */
const MUCH = 1024 * KiB

for (const [name, muxer] of Object.entries({ yamux: yamux(), mplex: mplex() })) {
  describe(`what waits in the iterators of streams (${name})`, () => {
    const nodes = new TestNodes()

    afterEach(async () => {
      await nodes.stop()
    })

    /**
     * Iterates a stream, and waits before each chunk but the first
     */
    class SlowLoop {
      readonly received: number[] = []
      readonly #turns: Array<() => void> = []
      readonly ended: Promise<void>
      #hurry = false

      constructor (stream: Stream) {
        this.ended = this.#loop(stream)
        // tests look at it later
        this.ended.catch(() => {})
      }

      get waiting (): boolean {
        return this.#turns.length > 0
      }

      hurry (): void {
        this.#hurry = true
        this.#turns.splice(0).forEach(turn => { turn() })
      }

      async #loop (stream: Stream): Promise<void> {
        for await (const chunk of stream) {
          for (const byte of chunk.subarray()) {
            this.received.push(byte)
          }

          if (!this.#hurry) {
            await new Promise<void>(resolve => { this.#turns.push(resolve) })
          }
        }
      }
    }

    interface Connected {
      listener: TestNode
      near: Stream
      far: Stream

      /** Opens one that nobody reads */
      openOther(): Promise<{ near: Stream, far: Stream }>
    }

    async function connect (manager: ResourceManagerInit = {}, handler?: (stream: Stream) => Promise<void>): Promise<Connected> {
      const { dialer, listener, address } = await overMemory(muxer).connect(nodes, { dialer: {}, listener: { manager } })
      const arrived: Stream[] = []

      await listener.handle(PROTOCOL, async stream => {
        arrived.push(stream)
        await handler?.(stream)
      })
      await listener.handle(OTHER, stream => { arrived.push(stream) })

      const connection = await dialer.dial(address)
      await otherEnd(connection, dialer, listener)

      const open = async (protocol: string): Promise<{ near: Stream, far: Stream }> => {
        const index = arrived.length
        const near = await connection.newStream(protocol)

        return { near, far: await eventually(() => arrived[index], 'the inbound stream') }
      }

      return { listener, ...await open(PROTOCOL), openOther: async () => open(OTHER) }
    }

    function memoryOf (node: TestNode): number {
      return node.services.resourceManager.stat().system.memory
    }

    function bytes (length: number): Uint8Array {
      return Uint8Array.from({ length }, (_, i) => i)
    }

    async function send (stream: Stream, data: Uint8Array): Promise<void> {
      for (let offset = 0; offset < data.length; offset += 16 * KiB) {
        if (!stream.send(data.subarray(offset, offset + 16 * KiB))) {
          await stream.onDrain()
        }
      }
    }

    it('should count it, release what the loop gets to, and change nothing of it', async () => {
      const { listener, near, far } = await connect()
      const loop = new SlowLoop(far)
      const data = bytes(MUCH)

      await send(near, data)
      // all but the first chunk, which the loop has
      await eventually(() => loop.waiting && memoryOf(listener) > MUCH / 2, 'most of it to be counted')
      expect(far.readBufferLength).to.equal(0)

      loop.hurry()
      await near.close()
      await loop.ended
      expect(loop.received).to.deep.equal([...data])
      await eventually(() => memoryOf(listener) === 0, 'all of it to be released')
    })

    it('should hand over what came before the loop began', async () => {
      const { listener, near, far } = await connect()
      const data = bytes(100 * KiB)

      await send(near, data)
      await eventually(() => memoryOf(listener) === 100 * KiB, 'the buffer of the stream')

      const loop = new SlowLoop(far)
      loop.hurry()
      await near.close()
      await loop.ended
      expect(loop.received).to.deep.equal([...data])
    })

    it('should count small chunks for what they weigh', async () => {
      const { listener, near, far } = await connect()
      const loop = new SlowLoop(far)

      for (let i = 0; i < 500; i++) {
        near.send(Uint8Array.of(i))

        // or they would be sent together
        await new Promise(resolve => setTimeout(resolve))
      }

      await eventually(() => loop.waiting && memoryOf(listener) > 50 * KiB, 'more than the bytes')
      loop.hurry()
      await eventually(() => loop.received.length === 500 && memoryOf(listener) === 0, 'all of it to be read and released')
    })

    it('should fail the loop that does not keep up, and leave others alone', async () => {
      const limit = Math.ceil(512 * KiB * 256 / (1 + MEMORY_PRIORITY_MEDIUM))
      const { listener, near, far, openOther } = await connect({ limits: { system: { memory: limit } } })
      const other = await openOther()
      const loop = new SlowLoop(far)

      other.near.send(new Uint8Array(100 * KiB))
      const sent = send(near, bytes(4 * MUCH)).catch(() => {})

      await eventually(() => far.status === 'aborted', 'the end of the stream')
      loop.hurry()
      expect(await rejection(loop.ended)).to.be.an.instanceOf(MemoryLimitExceededError)

      // mplex resets all streams when many messages come for one that is gone
      if (name === 'yamux') {
        await eventually(() => memoryOf(listener) === 100 * KiB, 'only the other stream')
        expect(other.far.status).to.equal('open')
      }

      near.abort(new Error('enough'))
      await sent
    })

    it('should count what a loop has not got to when the stream is closed, while its handler runs', async () => {
      let loop: SlowLoop | undefined
      const { listener, near } = await connect({}, async stream => {
        loop = new SlowLoop(stream)
        await loop.ended
      })

      await send(near, bytes(MUCH))
      await near.close()
      await eventually(() => memoryOf(listener) > MUCH / 2, 'most of it to be counted')

      loop?.hurry()
      await loop?.ended
      expect(loop?.received).to.have.lengthOf(MUCH)
      await eventually(() => memoryOf(listener) === 0, 'all of it to be released')
    })

    it('should fail the loop over a stream that the remote has closed where others need the room', async () => {
      const limit = Math.ceil(2 * MUCH * 256 / (1 + MEMORY_PRIORITY_MEDIUM))
      let loop: SlowLoop | undefined
      const { listener, near, openOther } = await connect({ limits: { system: { memory: limit } } }, async stream => {
        loop = new SlowLoop(stream)
        await loop.ended
      })
      const [first, second] = [await openOther(), await openOther()]

      await send(near, bytes(MUCH))
      await near.close()
      await eventually(() => loop?.waiting === true && memoryOf(listener) > MUCH / 2, 'most of it to be counted')

      // less each than the loop has
      for (const { near } of [first, second]) {
        send(near, bytes(MUCH / 4 * 3)).catch(() => {})
        await eventually(() => memoryOf(listener) > MUCH, 'more to be counted')
      }

      await eventually(() => memoryOf(listener) === first.far.readBufferLength + second.far.readBufferLength, 'the loop to hold nothing')
      loop?.hurry()
      expect(await rejection(loop?.ended ?? Promise.resolve())).to.be.an.instanceOf(MemoryLimitExceededError)
    })

    it('should release it when the loop is left, and count what nobody reads then', async () => {
      const { listener, near, far } = await connect()
      const iterator = far[Symbol.asyncIterator]()
      const first = iterator.next()

      await send(near, bytes(100 * KiB))
      await first
      await eventually(() => memoryOf(listener) > 50 * KiB, 'most of it to be counted')

      await iterator.return?.()
      await eventually(() => memoryOf(listener) === 0, 'all of it to be released')
      near.send(bytes(10 * KiB))
      await eventually(() => memoryOf(listener) === 10 * KiB, 'the buffer of the stream')
    })

    it('should make a loop over a stream that has ended end at once', async () => {
      const { near, far } = await connect()

      near.abort(new Error('enough'))
      await eventually(() => far.status === 'reset', 'the end of the stream')

      for await (const chunk of far) {
        expect.fail(`expected nothing, got ${chunk.byteLength} bytes`)
      }
    })
  })
}

describe('a loop that is slower than its remote', () => {
  const nodes = new TestNodes()
  const MiB = 1024 * KiB
  const CHUNKS = 64

  afterEach(async () => {
    await nodes.stop()
  })

  interface Slow {
    dialer: TestNode
    listener: TestNode

    /** Lets all loops go on */
    go(): void
    sent: Stream[]
    received: number[]
  }

  /**
   * Sends 64 MiB over each of some streams to loops that have stopped at the first chunk
   */
  async function sendAhead (streams: number, manager: ResourceManagerInit = {}): Promise<Slow> {
    const { dialer, listener, address } = await overMemory(yamux()).connect(nodes, { dialer: {}, listener: { manager } })
    const gate = Promise.withResolvers<void>()
    const received: number[] = []

    await listener.handle(PROTOCOL, async stream => {
      const index = received.push(0) - 1

      for await (const chunk of stream) {
        received[index] += chunk.byteLength
        await gate.promise
      }
    })

    const connection = await dialer.dial(address)
    const sent: Stream[] = []

    for (let i = 0; i < streams; i++) {
      const stream = await connection.newStream(PROTOCOL)

      sent.push(stream)

      for (let j = 0; j < CHUNKS; j++) {
        stream.send(new Uint8Array(MiB))
      }
    }

    return { dialer, listener, go: () => { gate.resolve() }, sent, received }
  }

  function memoryOf (node: TestNode): number {
    return node.services.resourceManager.stat().system.memory
  }

  it('should make it wait, and lose nothing', async () => {
    const { dialer, listener, go, sent, received } = await sendAhead(1)

    await eventually(() => memoryOf(listener) > 4 * MiB, 'what may wait')
    const before = memoryOf(dialer)

    // the largest window of yamux beside what may wait
    await eventually(() => memoryOf(listener) < 21 * MiB && memoryOf(dialer) > 40 * MiB, `what is not sent, of ${before}`)
    go()
    await Promise.all(sent.map(async stream => stream.close()))
    await eventually(() => received[0] === CHUNKS * MiB, 'all of it')
    expect(listener.services.resourceManager.refusals()).to.be.empty()
  })

  it('should make it wait earlier when memory is getting short, and end nothing', async () => {
    const { listener, go, sent, received } = await sendAhead(4, { limits: { system: { memory: 128 * MiB } } })

    await eventually(() => memoryOf(listener) > 4 * MiB, 'what may wait')
    go()
    await Promise.all(sent.map(async stream => stream.close()))
    await eventually(() => received.every(bytes => bytes === CHUNKS * MiB), 'all of it')
    expect(listener.services.resourceManager.refusals()).to.be.empty()
  })
})
