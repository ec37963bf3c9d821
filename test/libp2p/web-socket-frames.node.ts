/**
 * A remote can break the protocol of WebSockets at any time after the first request. `ws`
 * tells of it by an `error` event, and one that nobody listens to ends the process. All with
 * the default settings of libp2p and of the resource manager.
 */

import { once } from 'node:events'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { eventually } from './fixtures/eventually.ts'
import { Inbox, PROTOCOL } from './fixtures/inbox.ts'
import { eventuallyHeld, held } from './fixtures/nodes.ts'
import { attackedNodes, INVALID_FRAMES, openWebSocket } from './fixtures/raw-web-socket.ts'
import type { NodeOptions, TestNode } from './fixtures/nodes.ts'
import type { Socket } from 'node:net'

const AFTERWARDS = '/resource-manager-test/afterwards/1.0.0'

describe('invalid frames of WebSockets', () => {
  const { nodes, proxyTo, sockets, uncaught } = attackedNodes()

  async function listen (manager: NodeOptions['manager'] = {}): Promise<TestNode> {
    return nodes.create({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0/ws'] },
      transports: [webSockets()],
      manager: { baseCosts: undefined, transientShare: undefined, ...manager }
    })
  }

  async function connect (node: TestNode): Promise<Socket> {
    const socket = await openWebSocket(node)

    sockets.push(socket)

    return socket
  }

  /**
   * Whether a node still does what it is there for
   */
  async function expectServing (listener: TestNode): Promise<void> {
    await Inbox.of(listener, AFTERWARDS)

    const dialer = await nodes.create({ transports: [webSockets()] })
    const stream = await dialer.dialProtocol(listener.getMultiaddrs()[0], AFTERWARDS)

    await stream.close()
    expect(uncaught.take()).to.deep.equal([])
  }

  for (const [kind, frame] of Object.entries(INVALID_FRAMES)) {
    it(`should only end the connection of a remote that sends ones ${kind}`, async () => {
      const listener = await listen()
      const socket = await connect(listener)
      const closed = once(socket, 'close')

      await eventually(() => held(listener).transient?.numConnsInbound === 1, 'the connection')
      socket.write(frame)
      await closed
      await eventuallyHeld(listener, {})
      await expectServing(listener)
    })
  }

  it('should do no harm on sockets that are refused', async () => {
    const listener = await listen({ limits: { system: { connsInbound: 'blockAll' } } })

    for (const frame of Object.values(INVALID_FRAMES)) {
      const socket = await connect(listener)

      socket.write(frame)
    }

    await eventually(() => sockets.every(socket => socket.destroyed), 'the end of all sockets')
    expect(uncaught.take()).to.deep.equal([])
    await eventuallyHeld(listener, {})
  })

  it('should end a connection whose handshake is complete, and release all it holds', async () => {
    const listener = await listen()
    const inbox = await Inbox.of(listener)
    const dialer = await nodes.create({ transports: [webSockets()] })

    const proxy = await proxyTo(listener)
    const stream = await dialer.dialProtocol(multiaddr(`/ip4/127.0.0.1/tcp/${proxy.port}/ws`), PROTOCOL)

    await inbox.next()
    proxy.listeners[0].write(INVALID_FRAMES['with reserved bits'])
    await eventuallyHeld(listener, {})
    await eventually(() => stream.status !== 'open', 'the end of the stream')
    await eventuallyHeld(dialer, {})
    await expectServing(listener)
  })

  it('should end a connection that this node has dialled', async () => {
    const listener = await listen()
    const dialer = await nodes.create({ transports: [webSockets()], manager: { baseCosts: undefined, transientShare: undefined } })

    const proxy = await proxyTo(listener)
    await dialer.dial(multiaddr(`/ip4/127.0.0.1/tcp/${proxy.port}/ws`))
    // masked, which servers must not do
    proxy.dialers[0].write(INVALID_FRAMES['with reserved bits'])
    await eventuallyHeld(dialer, {})
    expect(uncaught.take()).to.deep.equal([])
  })
})
