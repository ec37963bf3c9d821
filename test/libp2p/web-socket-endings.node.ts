/**
 * How WebSockets end that this node does not want any more. While a remote does not read, the
 * transport would wait for it: it must not do so for ever, with all that it has not sent, nor
 * end the process when the remote closes the socket meanwhile.
 */

import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { plainEncrypter } from '../attacks/faults/plain-encrypter.ts'
import { encodeFrame } from '../attacks/framework/web-socket-client.ts'
import { eventually, rejection } from './fixtures/eventually.ts'
import { componentsOf, eventuallyHeld, otherEnd } from './fixtures/nodes.ts'
import { attackedNodes, openWebSocket } from './fixtures/raw-web-socket.ts'
import type { NodeOptions, TestNode } from './fixtures/nodes.ts'
import type { InjectingProxy } from './fixtures/raw-web-socket.ts'
import type { MultiaddrConnection } from '@libp2p/interface'
import type { Socket } from 'node:net'

/**
 * How long the listener waits for a handshake, in ms: until it has sent more than fits into
 * the sockets
 */
const HANDSHAKE_TIMEOUT = 2_000

/**
 * What the listener could encrypt with: a long answer to a short question
 */
const ENCRYPTERS = 50
const NAME_LENGTH = 2_000

/**
 * Which protocols there are (multistream-select). The answers are more than a WebSocket keeps
 * (4 MiB) and the system does.
 */
const QUESTION = new TextEncoder().encode('\x03ls\n')
const QUESTIONS = 150

/**
 * A raw connection over a WebSocket
 */
interface RawConnection extends MultiaddrConnection {
  websocket: WebSocket
}

describe('the end of WebSockets', () => {
  const { nodes, proxyTo, sockets, uncaught } = attackedNodes()

  async function listen (options: NodeOptions = {}): Promise<TestNode> {
    return nodes.create({ addresses: { listen: ['/ip4/127.0.0.1/tcp/0/ws'] }, transports: [webSockets()], ...options })
  }

  /**
   * The raw connections that a node accepts, or dials, from now on
   */
  function rawConnectionsOf (node: TestNode, direction: 'Inbound' | 'Outbound'): RawConnection[] {
    const { upgrader } = componentsOf(node)
    const upgrade = upgrader[`upgrade${direction}`].bind(upgrader)
    const raw: RawConnection[] = []

    upgrader[`upgrade${direction}`] = async (maConn: RawConnection, options: unknown) => {
      raw.push(maConn)

      return upgrade(maConn, options)
    }

    return raw
  }

  /**
   * A remote that asks and never reads, until the listener has given up its handshake
   */
  async function saturated (): Promise<{ raw: RawConnection, socket: Socket }> {
    const listener = await listen({
      connectionEncrypters: Array.from({ length: ENCRYPTERS }, (_, i) => components => ({
        ...plainEncrypter()(components as any),
        protocol: `/${i}/${'x'.repeat(NAME_LENGTH)}`
      })),
      connectionManager: { inboundUpgradeTimeout: HANDSHAKE_TIMEOUT }
    })
    const accepted = rawConnectionsOf(listener, 'Inbound')
    const socket = await openWebSocket(listener)

    sockets.push(socket)
    socket.pause()
    const raw = await eventually(() => accepted[0], 'the connection')
    socket.write(encodeFrame({ payload: Buffer.concat(Array.from({ length: QUESTIONS }, () => QUESTION)) }))
    await eventually(() => raw.writableNeedsDrain, 'more than can be sent')
    await eventuallyHeld(listener, {})

    return { raw, socket }
  }

  it('should not wait for a remote that does not read, once the handshake has timed out', async () => {
    const { raw } = await saturated()

    // the remote has not closed it
    await eventually(() => raw.websocket.readyState === WebSocket.CLOSED, 'the end of the socket')
    expect(raw.websocket.bufferedAmount).to.equal(0)
    expect(uncaught.take()).to.deep.equal([])
  })

  it('should survive a remote that does not read, and closes the socket once the handshake has timed out', async () => {
    const { raw, socket } = await saturated()

    socket.destroy()
    await eventually(() => raw.websocket.readyState === WebSocket.CLOSED, 'the end of the socket')
    expect(uncaught.take()).to.deep.equal([])
  })

  it('should tell the remote of a connection that is aborted', async () => {
    const listener = await listen()
    const dialer = await nodes.create({ transports: [webSockets()] })
    const connection = await dialer.dial(listener.getMultiaddrs()[0])

    ;(await otherEnd(connection, dialer, listener)).abort(new Error('enough'))
    await eventuallyHeld(dialer, {})
    await eventuallyHeld(listener, {})
  })

  it('should close the socket of a dial that is denied once the peer is known', async () => {
    const listener = await listen()
    const dialer = await nodes.create({
      transports: [webSockets()],
      connectionGater: { denyOutboundEncryptedConnection: () => true }
    })

    const { dialers, port } = await proxyTo(listener)

    await rejection(dialer.dial(multiaddr(`/ip4/127.0.0.1/tcp/${port}/ws`)))
    expect(dialers).to.have.lengthOf(1)
    await eventually(() => dialers[0].destroyed, 'the end of the socket')
    await eventuallyHeld(listener, {})
  })

  describe('that this node has dialled, of a remote that answers nothing any more', () => {
    let proxy: InjectingProxy

    async function dial (options: NodeOptions = {}): Promise<{ dialer: TestNode, raw: RawConnection[], address: string }> {
      const listener = await listen()
      const dialer = await nodes.create({ transports: [webSockets()], ...options })

      proxy = await proxyTo(listener)

      return { dialer, raw: rawConnectionsOf(dialer, 'Outbound'), address: `/ip4/127.0.0.1/tcp/${proxy.port}/ws` }
    }

    function silence (): void {
      const { dialers: [socket], listeners: [other] } = proxy

      socket.unpipe()
      other.unpipe()
    }

    it('should not wait for it when the connection is aborted', async () => {
      const { dialer, raw, address } = await dial()
      const connection = await dialer.dial(multiaddr(address))

      silence()
      connection.abort(new Error('enough'))
      await eventually(() => raw[0].websocket.readyState === WebSocket.CLOSED, 'the end of the socket')
      await eventuallyHeld(dialer, {})
      expect(uncaught.take()).to.deep.equal([])
    })

    it('should not wait for it when the dial is denied', async () => {
      const { dialer, raw, address } = await dial({
        connectionGater: {
          denyOutboundEncryptedConnection: () => {
            silence()

            return true
          }
        }
      })

      await rejection(dialer.dial(multiaddr(address)))
      await eventually(() => raw[0].websocket.readyState === WebSocket.CLOSED, 'the end of the socket')
      await eventuallyHeld(dialer, {})
      expect(uncaught.take()).to.deep.equal([])
    })

    it('should not wait for it when the connection does not fit', async () => {
      const { dialer, raw, address } = await dial({ manager: { limits: { peerDefault: { conns: 'blockAll' } } } })
      await rejection(dialer.dial(multiaddr(address)))
      await eventually(() => raw[0].websocket.readyState === WebSocket.CLOSED, 'the end of the socket')
      await eventuallyHeld(dialer, {})
    })
  })
})
