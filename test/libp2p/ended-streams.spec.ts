import { yamux } from '@chainsafe/libp2p-yamux'
import { echo } from '@libp2p/echo'
import { byteStream } from '@libp2p/utils'
import { expect } from 'aegir/chai'
import { MemoryLimitExceededError } from '../../src/index.ts'
import { eventually, rejection } from './fixtures/eventually.ts'
import { TestNodes } from './fixtures/nodes.ts'
import { overMemory } from './fixtures/transports.ts'
import type { NodeOptions, TestNode } from './fixtures/nodes.ts'
import type { Echo } from '@libp2p/echo'
import type { Stream } from '@libp2p/interface'

const KiB = 1024
const PROTOCOL = '/ended/1.0.0'
const LIMIT = 2048 * KiB

/**
 * More than the window of the muxer takes
 */
const MUCH = 1024 * KiB

/**
 * What programs that are written as js-libp2p's own are see of a stream that this node has
 * ended for what it held. libp2p's streams alone would let some of them wait for ever, and
 * others die of a rejection that nobody handles.
 */
describe('a stream that was ended for what it held', () => {
  const nodes = new TestNodes()

  afterEach(async () => {
    await nodes.stop()
  })

  async function connect (options: NodeOptions = {}): Promise<{ dialer: TestNode, listener: TestNode, stream: Stream, far: Stream, end(): void }> {
    const { dialer, listener, address } = await overMemory(yamux()).connect(nodes, {
      dialer: { manager: { limits: { system: { memory: LIMIT } } }, ...options }
    })
    const arrived: Stream[] = []

    await listener.handle(PROTOCOL, stream => {
      stream.pause()
      arrived.push(stream)
    })

    const stream = await (await dialer.dial(address)).newStream(PROTOCOL)

    return {
      dialer,
      listener,
      stream,
      far: await eventually(() => arrived[0], 'the inbound stream'),
      // buffers give way to what the program reserves
      end: () => {
        using span = dialer.services.resourceManager.viewSystem(scope => scope.beginSpan())

        span.reserveMemory(LIMIT)
      }
    }
  }

  async function eventuallyCounted (node: TestNode): Promise<void> {
    await eventually(() => node.services.resourceManager.stat().system.memory > MUCH / 2, 'what is not sent to be counted')
  }

  it('should say why to whoever goes on sending', async () => {
    const { dialer, stream, end } = await connect()

    stream.send(new Uint8Array(MUCH))
    await eventuallyCounted(dialer)
    end()

    expect(() => stream.send(Uint8Array.of(1))).to.throw('Cannot write to a stream that is closed')
      .with.property('cause').that.is.instanceOf(MemoryLimitExceededError).with.property('scope', 'system')
    expect(await rejection((async () => byteStream(stream).write(Uint8Array.of(1)))()))
      .to.have.property('cause').that.is.instanceOf(MemoryLimitExceededError)
  })

  it('should say why to whoever waits until it may send more', async () => {
    const { dialer, stream, end } = await connect()
    const writing = rejection(byteStream(stream).write(new Uint8Array(MUCH)))

    await eventuallyCounted(dialer)

    const draining = rejection(stream.onDrain())

    end()

    // libp2p rejects with the event
    expect(await writing).to.have.property('cause').that.is.instanceOf(MemoryLimitExceededError)
    expect(await draining).to.be.instanceOf(MemoryLimitExceededError)
  })

  it('should be closed for whoever waits until it is, and say nothing of it to a remote that ended it', async () => {
    const ours = await connect()

    ours.stream.send(new Uint8Array(MUCH))
    const closing = ours.stream.close()
    await eventuallyCounted(ours.dialer)
    ours.end()
    await closing

    const theirs = await connect()

    theirs.stream.send(new Uint8Array(MUCH))
    const waiting = theirs.stream.close()
    theirs.far.abort(new Error('reset'))
    await waiting
    expect(() => theirs.stream.send(Uint8Array.of(1))).to.throw().and.not.have.property('cause')
  })

  it('should fail an echo with the reason, and nothing else', async () => {
    const { dialer, listener, end } = await connect({ services: { echo: echo() } })
    const { protocol } = dialer.services.echo as Echo

    await listener.handle(protocol, stream => { stream.pause() })

    // a rejection that nobody handles would fail the test
    const echoed = rejection((dialer.services.echo as Echo).echo(listener.getMultiaddrs(), new Uint8Array(MUCH)))

    await eventuallyCounted(dialer)
    end()
    expect(await echoed).to.be.instanceOf(MemoryLimitExceededError)
  })

  it('should let a sender that waits for every drain send no more than a little ahead', async () => {
    const { dialer, listener, stream, far } = await connect({ manager: {} })
    let read = 0
    let most = 0

    far.addEventListener('message', ({ data }) => {
      read += data.byteLength
      // reads for a moment, and then not
      far.pause()
      setTimeout(() => {
        if (far.readStatus === 'paused') {
          far.resume()
        }
      }, 1)
    })
    far.resume()

    for (let i = 0; i < 64; i++) {
      if (!stream.send(new Uint8Array(64 * KiB))) {
        await stream.onDrain()
      }

      most = Math.max(most, stream.writeBufferLength)
    }

    await stream.close()
    await eventually(() => read === 64 * 64 * KiB, 'all of it')
    expect(most).to.be.below(1024 * KiB)
    expect([dialer, listener].flatMap(node => node.services.resourceManager.refusals())).to.be.empty()
  })
})
