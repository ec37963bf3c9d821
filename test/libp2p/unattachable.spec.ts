/**
 * What follows a connection or stream is attached to its `timeline`. Transports and muxers of
 * others may have one that cannot be changed: what is refused then must not stay counted.
 */

import { yamux } from '@chainsafe/libp2p-yamux'
import { memory } from '@libp2p/memory'
import { expect } from 'aegir/chai'
import { CapturedLogger } from './fixtures/captured-logger.ts'
import { eventually, rejection } from './fixtures/eventually.ts'
import { Inbox, PROTOCOL } from './fixtures/inbox.ts'
import { eventuallyHeld, held, memoryAddress, TestNodes } from './fixtures/nodes.ts'
import type { TestNode } from './fixtures/nodes.ts'
import type { MultiaddrConnection, Stream, StreamMuxerFactory, Upgrader } from '@libp2p/interface'

const ATTEMPTS = 3

/**
 * libp2p itself changes what is there
 */
function seal (owner: Pick<MultiaddrConnection | Stream, 'timeline'>): void {
  Object.assign(owner.timeline, { close: undefined })
  Object.seal(owner.timeline)
}

/**
 * The memory transport, with connections that are sealed
 */
function sealedMemory (direction: 'inbound' | 'outbound') {
  return (components: any) => {
    const transport = memory()(components)
    const { createListener, dial } = transport

    const sealing = (upgrader: Upgrader): Upgrader => ({
      ...upgrader,
      upgradeInbound: async (maConn: MultiaddrConnection, options: any) => {
        if (direction === 'inbound') {
          seal(maConn)
        }

        return upgrader.upgradeInbound(maConn, options)
      },
      upgradeOutbound: async (maConn: MultiaddrConnection, options: any) => {
        if (direction === 'outbound') {
          seal(maConn)
        }

        return upgrader.upgradeOutbound(maConn, options)
      }
    } as unknown as Upgrader)

    transport.createListener = options => createListener.call(transport, { ...options, upgrader: sealing(options.upgrader) })
    transport.dial = async (ma, options) => dial.call(transport, ma, { ...options, upgrader: sealing(options.upgrader) })

    return transport
  }
}

/**
 * yamux, with streams that are sealed
 */
function sealedYamux (direction: 'inbound' | 'outbound', streams: Stream[]) {
  return (): StreamMuxerFactory => {
    const factory: any = yamux()()

    return {
      protocol: factory.protocol,
      createStreamMuxer: (maConn) => {
        const muxer = factory.createStreamMuxer(maConn)
        const { createStream, onRemoteStream } = muxer
        const sealed = (stream: Stream): Stream => {
          seal(stream)
          streams.push(stream)

          return stream
        }

        if (direction === 'inbound') {
          muxer.onRemoteStream = (stream: Stream) => { onRemoteStream.call(muxer, sealed(stream)) }
        } else {
          muxer.createStream = async (options: any) => sealed(await createStream.call(muxer, options))
        }

        return muxer
      }
    }
  }
}

describe('what cannot be attached to', () => {
  const nodes = new TestNodes()

  afterEach(async () => {
    await nodes.stop()
  })

  it('should not leave an inbound connection counted', async () => {
    const logger = new CapturedLogger()
    const listener = await nodes.create({ logger, transports: [sealedMemory('inbound')], addresses: { listen: [memoryAddress()] } })
    const dialer = await nodes.create()

    for (let i = 0; i < ATTEMPTS; i++) {
      await rejection(dialer.dial(listener.getMultiaddrs()))
    }

    await eventuallyHeld(listener, {})
    expect(logger.errors.join()).to.include('refused an inbound connection because of an error')
  })

  it('should not leave an outbound connection counted', async () => {
    const listener = await nodes.create({ addresses: { listen: [memoryAddress()] } })
    const dialer = await nodes.create({ transports: [sealedMemory('outbound')] })

    for (let i = 0; i < ATTEMPTS; i++) {
      expect(await rejection(dialer.dial(listener.getMultiaddrs()))).to.be.instanceOf(TypeError)
      expect(held(dialer)).to.deep.equal({})
    }
  })

  async function connect (muxers: { dialer?: any, listener?: any }): Promise<{ dialer: TestNode, listener: TestNode }> {
    const listener = await nodes.create({ streamMuxers: [muxers.listener ?? yamux()], addresses: { listen: [memoryAddress()] } })
    const dialer = await nodes.create({ streamMuxers: [muxers.dialer ?? yamux()] })

    await Inbox.of(listener)
    await dialer.dial(listener.getMultiaddrs())
    await eventually(() => listener.getConnections().length === 1, 'the connection')

    return { dialer, listener }
  }

  it('should not leave an inbound stream counted, nor open', async () => {
    const streams: Stream[] = []
    const { dialer, listener } = await connect({ listener: sealedYamux('inbound', streams) })
    const before = held(listener)

    for (let i = 0; i < ATTEMPTS; i++) {
      await rejection(dialer.getConnections()[0].newStream(PROTOCOL))
    }

    await eventuallyHeld(listener, before)
    expect(streams.map(({ status }) => status)).to.deep.equal(Array(ATTEMPTS).fill('aborted'))
  })

  it('should not leave an outbound stream counted, nor open', async () => {
    const streams: Stream[] = []
    const { dialer, listener } = await connect({ dialer: sealedYamux('outbound', streams) })
    const before = held(dialer)

    for (let i = 0; i < ATTEMPTS; i++) {
      expect(await rejection(dialer.getConnections()[0].newStream(PROTOCOL))).to.be.instanceOf(TypeError)
      expect(held(dialer)).to.deep.equal(before)
    }

    expect(streams.map(({ status }) => status)).to.deep.equal(Array(ATTEMPTS).fill('aborted'))
    await eventually(() => listener.getConnections()[0].streams.length === 0, 'the end of the streams at the other end')
  })
})
