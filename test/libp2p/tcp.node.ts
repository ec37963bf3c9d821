import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { ConnectionLimitExceededError } from '../../src/index.ts'
import { eventually, rejection } from './fixtures/eventually.ts'
import { overTcp } from './fixtures/node-transports.ts'
import { componentsOf, eventuallyHeld, held, leaveRoom, otherEnd, rawConnection, TestNodes } from './fixtures/nodes.ts'
import { wiringSuite } from './suite/index.ts'
import { eventuallyBackTo } from './suite/transport.ts'
import type { NodeOptions, TestNode } from './fixtures/nodes.ts'
import type { AddressInfo, Socket } from 'node:net'

wiringSuite('tcp', overTcp)

/**
 * How long a handshake may take in tests that wait for it to time out, in ms
 */
const HANDSHAKE_TIMEOUT = 50

describe('tcp sockets', function () {
  const nodes = new TestNodes()
  const sockets: Socket[] = []

  afterEach(async () => {
    sockets.splice(0).forEach(socket => { socket.destroy() })
    await nodes.stop()
  })

  async function listen (options?: NodeOptions): Promise<TestNode> {
    const { listener } = await overTcp.connect(nodes, { listener: options })

    return listener
  }

  /**
   * A remote that knows nothing of libp2p
   */
  async function connectSocket (node: TestNode): Promise<Socket> {
    const [ip, port] = node.getMultiaddrs()[0].getComponents()
    const socket = connect(Number(port.value), ip.value)

    // the node may reset it at any time
    socket.on('error', () => {})
    sockets.push(socket)
    await once(socket, 'connect')

    return socket
  }

  it('should be released when one that never speaks times out', async () => {
    const node = await listen({ connectionManager: { inboundUpgradeTimeout: HANDSHAKE_TIMEOUT } })
    const socket = await connectSocket(node)

    await eventually(() => held(node).transient != null, 'the inbound connection')
    await eventuallyHeld(node, {})
    await eventually(() => socket.closed, 'the end of the socket')
  })

  it('should be released when one speaks nonsense', async () => {
    const node = await listen()
    const socket = await connectSocket(node)

    socket.write(crypto.getRandomValues(new Uint8Array(1024)))
    await eventually(() => socket.closed, 'the end of the socket')
    await eventuallyHeld(node, {})
  })

  it('should be released when one ends during the handshake', async () => {
    const node = await listen()
    const socket = await connectSocket(node)

    await eventually(() => held(node).transient != null, 'the inbound connection')
    expect(held(node).system).to.deep.equal({ numConnsInbound: 1, numFD: 1 })
    socket.resetAndDestroy()
    await eventuallyHeld(node, {})
  })

  it('should be released when the node stops during the handshake', async () => {
    const node = await listen()
    await connectSocket(node)

    await eventually(() => held(node).transient != null, 'the inbound connection')
    await node.stop()
    await eventuallyHeld(node, {})
  })

  it('should be refused above the limit for connections that have no peer yet', async () => {
    const node = await listen({
      connectionManager: { inboundConnectionThreshold: 100, maxIncomingPendingConnections: 100 },
      manager: { limits: { transient: { connsInbound: 3 } } }
    })

    await Promise.all(Array.from({ length: 10 }, async () => connectSocket(node)))

    await eventually(() => sockets.filter(socket => socket.closed).length === 7, 'the end of seven sockets')
    expect(held(node).transient).to.deep.equal({ numConnsInbound: 3, numFD: 3 })
  })

  it('should be refused above the limit of file descriptors', async () => {
    const { dialer, address } = await overTcp.connect(nodes)
    leaveRoom(dialer, { fd: 1 })

    await dialer.dial(address)
    const error = await rejection(dialer.dial(address, { force: true }))

    expect(error).to.be.instanceOf(ConnectionLimitExceededError)
    expect(error).to.include({ resource: 'fd', scope: 'system', current: 1, limit: 1 })
  })

  it('should not be opened by a refused dial', async () => {
    let accepted = 0
    const server = createServer(() => { accepted++ }).listen(0, '127.0.0.1')
    await once(server, 'listening')

    try {
      const { dialer, listener } = await overTcp.connect(nodes)
      leaveRoom(dialer, { conns: 0 })

      const { port } = server.address() as AddressInfo
      const error = await rejection(dialer.dial(multiaddr(`/ip4/127.0.0.1/tcp/${port}/p2p/${listener.peerId}`)))
      expect(error).to.be.instanceOf(ConnectionLimitExceededError)

      // a connection of our own arrives after any that was opened before
      const socket = connect(port, '127.0.0.1')
      sockets.push(socket)
      await eventually(() => accepted > 0, 'our own connection')
      expect(accepted).to.equal(1)
    } finally {
      server.close()
    }
  })

  it('should be released when one is destroyed under an open connection', async () => {
    const pair = await overTcp.connect(nodes)
    const local = await pair.dialer.dial(pair.address)
    await otherEnd(local, pair.dialer, pair.listener)

    ;(rawConnection(local) as any).socket.destroy()
    await eventuallyBackTo([{}, {}], pair)
  })

  it('should be released when a dial times out', async () => {
    const { dialer, listener } = await overTcp.connect(nodes)
    const server = createServer(socket => { sockets.push(socket) }).listen(0, '127.0.0.1')
    await once(server, 'listening')

    try {
      const { port } = server.address() as AddressInfo
      const dial = rejection(componentsOf(dialer).connectionManager.openConnection(multiaddr(`/ip4/127.0.0.1/tcp/${port}/p2p/${listener.peerId}`), {
        signal: AbortSignal.timeout(HANDSHAKE_TIMEOUT)
      }))

      await eventually(() => held(dialer).transient != null, 'the outbound connection')
      await dial
      await eventuallyHeld(dialer, {})
    } finally {
      server.close()
    }
  })
})
