/**
 * WebRTC: what a remote sends over a data channel that is no message of libp2p, and what it asks
 * for before there is a connection. The process must live, and nothing be held that nobody counts.
 */

import { webRTCDirect } from '@libp2p/webrtc'
import { expect } from 'aegir/chai'
import { UncaughtErrors } from '../attacks/faults/uncaught-errors.ts'
import { eventually, rejection } from './fixtures/eventually.ts'
import { Inbox, PROTOCOL } from './fixtures/inbox.ts'
import { componentsOf, eventuallyHeld, held, TestNodes } from './fixtures/nodes.ts'
import { bindingRequest, sendPackets } from './fixtures/stun.ts'
import { overWebRtcDirect } from './fixtures/webrtc-direct.ts'
import type { NodeOptions, TestNode } from './fixtures/nodes.ts'
import type { Stream } from '@libp2p/interface'

/**
 * What becomes of the first is an error, of the second a buffer of 2 GB
 */
const TEXTS = ['-5', '2000000000', '']

/**
 * How long what a packet has begun may last when nothing comes after it, in ms
 */
const HANDSHAKE_TIMEOUT = 1_000

/**
 * How often text is sent, in ms
 */
const SEND_INTERVAL = 10

interface Channel {
  readyState: string
  send (data: string | Uint8Array): void
}

function channelOf (stream: Stream): Channel {
  return (stream as unknown as { channel: Channel }).channel
}

describe('data channels of WebRTC', function () {
  const nodes = new TestNodes()
  const uncaught = new UncaughtErrors()

  beforeEach(() => {
    uncaught.start()
  })

  afterEach(async () => {
    await nodes.stop()
    uncaught.stop()
  })

  async function listen (options: NodeOptions = {}): Promise<TestNode> {
    return nodes.create({
      addresses: { listen: ['/ip4/127.0.0.1/udp/0/webrtc-direct'] },
      transports: [webRTCDirect()],
      connectionManager: { inboundUpgradeTimeout: HANDSHAKE_TIMEOUT },
      ...options
    })
  }

  for (const text of TEXTS) {
    it(`should be closed where the remote sends the text ${JSON.stringify(text)} over a stream`, async () => {
      const { dialer, listener, address } = await overWebRtcDirect.connect(nodes)
      const inbox = await Inbox.of(listener)
      const connection = await dialer.dial(address)
      const opened = [await connection.newStream(PROTOCOL), await connection.newStream(PROTOCOL)]
      const accepted = [await inbox.next(), await inbox.next()]

      // an own stream and one of the remote's
      channelOf(opened[0]).send(text)
      channelOf(accepted[1]).send(text)
      await eventually(() => [...opened, ...accepted].every(({ status }) => status !== 'open'), 'the end of both streams')
      expect(uncaught.take()).to.deep.equal([])

      await connection.newStream(PROTOCOL)
      expect(held(listener).system).to.deep.equal({ numConnsInbound: 1, numStreamsInbound: 1 })
    })
  }

  for (const text of TEXTS) {
    it(`should be closed where the remote sends the text ${JSON.stringify(text)} in place of a handshake`, async () => {
      const listener = await listen({ connectionManager: {} })
      const dialer = await nodes.create({ transports: [webRTCDirect()] })
      const address = listener.getMultiaddrs()[0]
      const hostile = await TextInHandshake.start(dialer, listener, text)

      try {
        const dial = rejection(dialer.dial(address, { force: true }))

        await eventually(() => hostile.closed, 'the end of the channel, long before the handshake would time out')
        await dial
      } finally {
        hostile.stop()
      }

      await eventuallyHeld(listener, {})
      expect(uncaught.take()).to.deep.equal([])
      await dialer.dial(address, { force: true })
    })
  }

  it('should be closed where the remote that was dialled sends text in place of a handshake', async () => {
    const listener = await listen()
    const dialer = await nodes.create({ transports: [webRTCDirect()] })
    const hostile = await TextInHandshake.start(dialer, listener, TEXTS[0], 'listener')

    try {
      const dial = rejection(dialer.dial(listener.getMultiaddrs()[0], { force: true }))

      await eventually(() => hostile.closed, 'the end of the channel')
      await dial
    } finally {
      hostile.stop()
    }

    await eventuallyHeld(dialer, {})
    expect(uncaught.take()).to.deep.equal([])
  })

  it('should not be opened for packets that ask for more connections than fit', async () => {
    const limit = 4
    const listener = await listen({ manager: { limits: { transient: { connsInbound: limit } } } })
    const manager = listener.services.resourceManager

    await sendPackets(listener, Array.from({ length: 5 * limit }, (_, i) => bindingRequest(`libp2p+webrtc+v1/${'a'.repeat(20)}${i}`)))
    await eventually(() => held(listener).transient?.numConnsInbound === limit, 'as many as fit')
    await eventually(() => manager.refusals().some(({ kind, count }) => kind === 'transient' && count === 4 * limit), 'the refusal of the others')
    expect(peerConnectionsOf(listener)).to.equal(limit)

    // nobody goes on with any of them
    await eventuallyHeld(listener, {})
    await eventually(() => peerConnectionsOf(listener) === 0, 'the end of the peer connections')
    expect(uncaught.take()).to.deep.equal([])
  })

  it('should be counted once for a packet that is repeated', async () => {
    const listener = await listen()

    await sendPackets(listener, Array.from({ length: 10 }, () => bindingRequest(`libp2p+webrtc+v1/${'a'.repeat(20)}`)))
    await eventually(() => held(listener).transient?.numConnsInbound === 1, 'the one')
    await eventuallyHeld(listener, {})
  })

  it('should be given up in time where the handshake waits for ever', async () => {
    const listener = await listen()
    const dialer = await nodes.create({ transports: [webRTCDirect()] })
    const { prototype }: any = await peerConnectionClass(dialer, listener)
    const { createAnswer } = prototype

    // as with an offer that makes no sense
    prototype.createAnswer = async () => new Promise(() => {})

    try {
      await sendPackets(listener, [bindingRequest(`libp2p+webrtc+v1/${'a'.repeat(20)}`)])
      await eventually(() => held(listener).transient?.numConnsInbound === 1, 'the handshake')
      await eventuallyHeld(listener, {})
      await eventually(() => peerConnectionsOf(listener) === 0, 'the end of the peer connection')
    } finally {
      prototype.createAnswer = createAnswer
    }
  })

  it('should be those of a connection as soon as the handshake is over', async () => {
    const listener = await listen({ manager: { limits: { transient: { connsInbound: 1 }, system: { connsInbound: 1 } } } })
    const dialer = await nodes.create({ transports: [webRTCDirect()] })

    await dialer.dial(listener.getMultiaddrs()[0])
    await eventuallyHeld(listener, {
      system: { numConnsInbound: 1 },
      [dialer.peerId.toString()]: { numConnsInbound: 1 }
    })
  })
})

/**
 * Has a node send text over the channel of the handshake that it dials next, and nothing else
 */
class TextInHandshake {
  readonly #restore: () => void
  #timer?: ReturnType<typeof setInterval>
  closed = false

  private constructor (RTCPeerConnection: any, text: string, who: 'dialer' | 'listener') {
    const hostile = this
    const { createDataChannel } = RTCPeerConnection.prototype
    // that of the dialer is made first
    let others = who === 'dialer' ? 0 : 1

    this.#restore = () => { RTCPeerConnection.prototype.createDataChannel = createDataChannel }

    RTCPeerConnection.prototype.createDataChannel = function (...args: unknown[]) {
      const channel = createDataChannel.apply(this, args)

      if (others-- === 0) {
        hostile.#attack(channel, text)
      }

      return channel
    }
  }

  static async start (dialer: TestNode, listener: TestNode, text: string, who: 'dialer' | 'listener' = 'dialer'): Promise<TextInHandshake> {
    return new TextInHandshake(await peerConnectionClass(dialer, listener), text, who)
  }

  stop (): void {
    clearInterval(this.#timer)
    this.#restore()
  }

  #attack (channel: any, text: string): void {
    const send = channel.send.bind(channel)

    channel.send = () => {}
    channel.addEventListener('close', () => {
      clearInterval(this.#timer)
      this.closed = true
    })
    channel.addEventListener('open', () => {
      // what comes before the listener has begun is lost
      this.#timer = setInterval(() => {
        try {
          send(text)
        } catch {
          // the listener has closed it
        }
      }, SEND_INTERVAL)
    })
  }
}

/**
 * The class is none of ours to import, but there is one object of it for each connection
 */
async function peerConnectionClass (dialer: TestNode, listener: TestNode): Promise<unknown> {
  const connection = await dialer.dial(listener.getMultiaddrs()[0])
  const { peerConnection } = (connection as any).muxer

  await connection.close()
  await eventuallyHeld(listener, {})

  return peerConnection.constructor
}

function peerConnectionsOf (node: TestNode): number {
  return componentsOf(node).transportManager.getListeners().reduce((sum: number, { connections }: any) => sum + connections.size, 0)
}
