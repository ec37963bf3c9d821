/**
 * A WebSocket keeps a message until its end has come, whatever its length is said to be. With
 * the default settings of libp2p and of the resource manager, but for the size of the machine.
 */

import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { encodeFrame, OPCODE } from '../attacks/framework/web-socket-client.ts'
import { eventually } from './fixtures/eventually.ts'
import { Inbox, PROTOCOL } from './fixtures/inbox.ts'
import { eventuallyHeld, held, TestNodes } from './fixtures/nodes.ts'
import { InjectingProxy, openWebSocket } from './fixtures/raw-web-socket.ts'
import type { TestNode } from './fixtures/nodes.ts'
import type { Socket } from 'node:net'

const MIB = 2 ** 20

/**
 * What may wait for its end in one WebSocket, in bytes, and the length of the whole
 */
const PART = 3 * MIB
const WHOLE = 4 * MIB

const SOCKETS = 8

/**
 * More than fits
 */
const FLOOD = 40
const MAX_MEMORY = 64 * MIB

describe('unfinished messages of WebSockets', () => {
  const nodes = new TestNodes()
  const sockets: Socket[] = []
  let proxy: InjectingProxy | undefined

  afterEach(async () => {
    proxy?.close()
    proxy = undefined
    sockets.splice(0).forEach(socket => { socket.destroy() })
    await nodes.stop()
  })

  async function listen (): Promise<TestNode> {
    return nodes.create({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0/ws'] },
      transports: [webSockets()],
      // all are from one address here, which has a share of its own
      connectionManager: { inboundConnectionThreshold: FLOOD, maxIncomingPendingConnections: FLOOD },
      manager: { baseCosts: undefined, maxMemory: MAX_MEMORY }
    })
  }

  async function connect (node: TestNode): Promise<Socket> {
    const socket = await openWebSocket(node)

    sockets.push(socket)

    return socket
  }

  function memoryOf (node: TestNode): number {
    return held(node).system?.memory ?? 0
  }

  it('should be counted before the handshake', async () => {
    const listener = await listen()

    for (let i = 0; i < SOCKETS; i++) {
      (await connect(listener)).write(encodeFrame({ payload: new Uint8Array(PART), length: WHOLE }))
    }

    await eventually(() => memoryOf(listener) >= SOCKETS * PART, 'what all of them hold')
    sockets.forEach(socket => { socket.destroy() })
    await eventuallyHeld(listener, {})
  })

  it('should be counted in fragments, which weigh more than they are long', async () => {
    const listener = await listen()
    const socket = await connect(listener)
    const fragment = encodeFrame({ opcode: OPCODE.continuation, payload: Uint8Array.of(0), fin: false })

    socket.write(encodeFrame({ fin: false }))
    socket.write(Buffer.concat(Array.from({ length: 1_000 }, () => fragment)))
    await eventually(() => memoryOf(listener) >= 64 * 1024 + 1_000 * 1024, 'the fragments')
  })

  it('should be counted of a peer that is connected, until they are complete', async () => {
    const listener = await listen()
    const inbox = await Inbox.of(listener)
    const dialer = await nodes.create({ transports: [webSockets()] })

    proxy = await InjectingProxy.to(listener)
    await dialer.dialProtocol(multiaddr(`/ip4/127.0.0.1/tcp/${proxy.port}/ws`), PROTOCOL)
    await inbox.next()

    const peer = dialer.peerId.toString()
    const [socket] = proxy.listeners

    socket.write(encodeFrame({ payload: new Uint8Array(PART), length: WHOLE }))
    await eventually(() => (held(listener)[peer]?.memory ?? 0) >= PART, 'the message')
    expect(held(listener)[peer].memory).to.be.below(WHOLE + MIB)

    // it is none, as far as encryption goes
    socket.write(new Uint8Array(WHOLE - PART))
    await eventuallyHeld(listener, {})
  })

  describe('of a peer that this node has dialled', () => {
    let dialer: TestNode
    let peer: string
    let socket: Socket

    beforeEach(async () => {
      const listener = await listen()
      const inbox = await Inbox.of(listener)

      dialer = await nodes.create({ transports: [webSockets()] })
      proxy = await InjectingProxy.to(listener)
      await dialer.dialProtocol(multiaddr(`/ip4/127.0.0.1/tcp/${proxy.port}/ws`), PROTOCOL)
      await inbox.next()
      peer = listener.peerId.toString()
      socket = proxy.dialers[0]
    })

    it('should be counted until they are complete', async () => {
      socket.write(encodeFrame({ payload: new Uint8Array(PART).fill(7), length: WHOLE, masked: false }))
      await eventually(() => (held(dialer)[peer]?.memory ?? 0) >= PART, 'the message')
      expect(held(dialer)[peer].memory).to.be.below(WHOLE + MIB)

      // it is none, as far as encryption goes
      socket.write(new Uint8Array(WHOLE - PART).fill(7))
      await eventuallyHeld(dialer, {})
    })

    it('should be counted in fragments', async () => {
      const fragment = encodeFrame({ opcode: OPCODE.continuation, payload: new Uint8Array(1024), fin: false, masked: false })

      socket.write(encodeFrame({ fin: false, masked: false }))
      socket.write(Buffer.concat(Array.from({ length: 1_000 }, () => fragment)))
      await eventually(() => (held(dialer)[peer]?.memory ?? 0) >= 1_000 * 1024, 'the fragments')
    })

    it('should not be what is between messages', async () => {
      const [connection] = dialer.getConnections()
      const counted = (): number => held(dialer)[peer].memory ?? 0

      socket.write(Buffer.concat(Array.from({ length: 1_000 }, () => encodeFrame({ opcode: OPCODE.ping, payload: new Uint8Array(125), masked: false }))))
      await eventually(() => counted() > 0, 'pings, which are counted until a message comes')
      await Promise.all(Array.from({ length: 20 }, async () => connection.newStream(PROTOCOL)))
      await eventually(() => counted() === 0, 'nothing')
    })
  })

  for (const [what, frame] of Object.entries({
    'say they are longer': encodeFrame({ length: WHOLE + 1 }),
    'are of too many fragments': Buffer.concat(Array.from({ length: 5_000 }, (_, i) => {
      return encodeFrame({ opcode: i === 0 ? OPCODE.binary : OPCODE.continuation, payload: Uint8Array.of(0), fin: false })
    }))
  })) {
    it(`should not be taken where they ${what} than anything that is read`, async () => {
      const listener = await listen()
      const socket = await connect(listener)

      socket.write(frame)
      await eventually(() => socket.closed, 'the end of the socket')
      await eventuallyHeld(listener, {})
    })
  }

  it('should give way to each other where there is no room for all of them', async () => {
    const listener = await listen()

    for (let i = 0; i < FLOOD; i++) {
      (await connect(listener)).write(encodeFrame({ payload: new Uint8Array(PART), length: WHOLE }))
    }

    await eventually(() => sockets.some(({ closed }) => closed), 'the end of some of them')
    await eventually(() => memoryOf(listener) >= 4 * PART, 'what others hold')
    expect(memoryOf(listener)).to.be.below(MAX_MEMORY)
  })
})
