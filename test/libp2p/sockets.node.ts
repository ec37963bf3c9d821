/**
 * Every socket has a descriptor, also before it is a connection and after it was one. All
 * with the default settings of libp2p and of the resource manager, but for the limits that
 * are reached.
 */

import { once } from 'node:events'
import { connect as connectTls } from 'node:tls'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { useFakeTimers } from 'sinon'
import { eventually, eventuallyEqual, rejection } from './fixtures/eventually.ts'
import { componentsOf, eventuallyHeld, held, muxerOf, otherEnd, rawConnection, TestNodes } from './fixtures/nodes.ts'
import { InjectingProxy, openSocket, openWebSocket } from './fixtures/raw-web-socket.ts'
import { SELF_SIGNED } from './fixtures/self-signed.ts'
import type { NodeOptions, TestNode } from './fixtures/nodes.ts'
import type { Socket } from 'node:net'
import type { SinonFakeTimers } from 'sinon'

const SOCKETS = 60
const LIMIT = 8

/**
 * Longer than anything may wait, in ms
 */
const LONG = 11_000

const PING = Uint8Array.of(0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0)

describe('sockets that are not connections', () => {
  const nodes = new TestNodes()
  const sockets: Socket[] = []
  let clock: SinonFakeTimers | undefined
  let proxy: InjectingProxy | undefined

  afterEach(async () => {
    clock?.restore()
    clock = undefined
    proxy?.close()
    proxy = undefined
    sockets.splice(0).forEach(socket => { socket.destroy() })
    await nodes.stop()
  })

  async function listen (manager: NodeOptions['manager'] = {}, options: NodeOptions = {}): Promise<TestNode> {
    return nodes.create({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0/ws'] },
      transports: [webSockets()],
      ...options,
      manager: { baseCosts: undefined, transientShare: undefined, ...manager }
    })
  }

  /**
   * How many sockets a listener has, whoever counts them
   */
  async function countSockets (node: TestNode): Promise<number> {
    const [listener] = componentsOf(node).transportManager.getListeners()

    return new Promise((resolve, reject) => {
      listener.server.getConnections((err: Error | null, count: number) => {
        if (err == null) {
          resolve(count)
        } else {
          reject(err)
        }
      })
    })
  }

  async function eventuallyOpen (node: TestNode, expected: number): Promise<void> {
    let count = -1

    await eventuallyEqual(() => {
      countSockets(node).then(value => { count = value }, () => {})

      return count
    }, expected, 'the sockets of the listener')
  }

  /**
   * Without timers, which are not real
   */
  async function untilAccepted (node: TestNode): Promise<void> {
    while (held(node).transient == null) {
      await new Promise(resolve => setImmediate(resolve))
    }
  }

  it('should be counted before they say anything, and closed above the limit', async () => {
    const listener = await listen({ transientShare: 1, limits: { transient: { connsInbound: LIMIT } } })

    for (let i = 0; i < SOCKETS; i++) {
      sockets.push(await openSocket(listener))
    }

    await eventuallyOpen(listener, LIMIT)
    expect(held(listener).transient).to.include({ numConnsInbound: LIMIT, numFD: LIMIT })
    expect(listener.services.resourceManager.refusals().map(({ kind, resource, count }) => ({ kind, resource, count }))).to.deep.equal([
      { kind: 'transient', resource: 'connection', count: SOCKETS - LIMIT }
    ])

    sockets.forEach(socket => { socket.destroy() })
    await eventuallyHeld(listener, {})
  })

  it('should leave room for others, whichever host they are all from', async () => {
    const listener = await listen({ limits: { transient: { connsInbound: 4 * LIMIT } } })

    for (let i = 0; i < SOCKETS; i++) {
      sockets.push(await openSocket(listener))
    }

    await eventually(() => sockets.some(({ closed }) => closed), 'the end of some of them')
    expect(await countSockets(listener)).to.be.below(4 * LIMIT)
  })

  it('should give way to those of another host where there is no room', async () => {
    const listener = await listen({ transientShare: 1, limits: { transient: { connsInbound: LIMIT } } })

    for (let i = 0; i < LIMIT; i++) {
      sockets.push(await openSocket(listener))
    }

    await eventually(() => held(listener).transient?.numConnsInbound === LIMIT, 'all sockets')
    const other = await openSocket(listener, '127.0.0.2')

    await eventually(() => sockets.filter(({ closed }) => closed).length === 1, 'the end of one of them')
    expect(other.closed).to.equal(false)
    expect(held(listener).transient).to.include({ numConnsInbound: LIMIT, numFD: LIMIT })
    other.destroy()
  })

  async function closedInTime (send: string): Promise<void> {
    clock = useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'], shouldClearNativeTimers: true })

    const listener = await listen()
    const socket = await openSocket(listener)

    sockets.push(socket)
    socket.write(send)
    await untilAccepted(listener)
    expect(held(listener).transient).to.include({ numConnsInbound: 1, numFD: 1 })

    const closed = new Promise(resolve => socket.once('close', resolve))

    clock.tick(LONG)
    await closed
    expect(held(listener)).to.deep.equal({})
  }

  it('should be closed in time when they say nothing', async () => closedInTime(''))

  it('should be closed in time when they never end their request', async () => closedInTime('GET / HTTP/1.1\r\n'))

  it('should not be counted twice when they become connections', async () => {
    const listener = await listen({ baseCosts: false })
    const dialer = await nodes.create({ transports: [webSockets()] })
    const connection = await dialer.dial(listener.getMultiaddrs()[0])

    await otherEnd(connection, dialer, listener)
    await eventuallyHeld(listener, {
      system: { numConnsInbound: 1, numFD: 1 },
      [dialer.peerId.toString()]: { numConnsInbound: 1, numFD: 1 }
    })
    expect(listener.services.resourceManager.stat().transientHolders).to.deep.equal([])
  })

  it('should be counted over TLS as well', async () => {
    const listener = await listen({ limits: { transient: { connsInbound: LIMIT } }, transientShare: 1 }, {
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0/tls/ws'] },
      transports: [webSockets({ https: SELF_SIGNED })]
    })
    const [ip, port] = listener.getMultiaddrs()[0].getComponents()
    const socket = connectTls({ host: ip.value, port: Number(port.value), rejectUnauthorized: false })

    sockets.push(socket)
    socket.on('error', () => {})
    await once(socket, 'secureConnect')
    expect(held(listener).transient).to.include({ numConnsInbound: 1, numFD: 1 })

    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n')
    expect(String((await once(socket, 'data'))[0])).to.include('101 Switching Protocols')
    // it is a connection by now
    expect(held(listener).transient).to.include({ numConnsInbound: 1, numFD: 1 })

    socket.destroy()
    await eventuallyHeld(listener, {})
  })

  it('should be released when they ask for something else', async () => {
    const listener = await listen()
    const socket = await openSocket(listener)

    sockets.push(socket)
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    expect(String((await once(socket, 'data'))[0])).to.include('400')
    await eventuallyHeld(listener, {})
  })

  it('should not keep the node from stopping', async () => {
    const listener = await listen()
    const socket = await openSocket(listener)

    sockets.push(socket)
    await eventually(() => held(listener).transient, 'the socket')
    await listener.stop()
    await eventually(() => socket.closed, 'the end of the socket')
    expect(held(listener)).to.deep.equal({})
  })
})

describe('sockets of connections that are over', () => {
  const nodes = new TestNodes()
  const sockets: Socket[] = []
  let clock: SinonFakeTimers | undefined

  afterEach(async () => {
    clock?.restore()
    clock = undefined
    sockets.splice(0).forEach(socket => { socket.destroy() })
    await nodes.stop()
  })

  const WS: NodeOptions = { addresses: { listen: ['/ip4/127.0.0.1/tcp/0/ws'] }, transports: [webSockets()] }

  it('should be closed at once when the connection is denied', async () => {
    const listener = await nodes.create({ ...WS, connectionGater: { denyInboundConnection: () => true } })

    for (let i = 0; i < LIMIT; i++) {
      sockets.push(await openWebSocket(listener))
    }

    await eventually(() => sockets.every(({ closed }) => closed), 'the end of all sockets')
  })

  it('should be closed at once when the connection is aborted', async () => {
    const listener = await nodes.create(WS)
    const proxy = await InjectingProxy.to(listener)
    const dialer = await nodes.create({ transports: [webSockets()] })
    const connection = await dialer.dial(multiaddr(`/ip4/127.0.0.1/tcp/${proxy.port}/ws`))
    const [socket] = proxy.listeners

    sockets.push(socket)
    // nobody answers it
    socket.unpipe()
    const remote = await otherEnd(connection, dialer, listener)

    remote.abort(new Error('enough'))
    socket.resume()
    await eventually(() => socket.closed, 'the end of the socket')
    proxy.close()
  })

  it('should be closed in time when the remote does not agree to close', async () => {
    clock = useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'], shouldClearNativeTimers: true })

    const listener = await nodes.create(WS)
    const socket = await openWebSocket(listener)

    sockets.push(socket)

    // before the handshake: any connection is one that somebody may close
    const [{ connection }] = [...(listener.services.resourceManager as any).holdersSource.connections]
    const closed = new Promise(resolve => socket.once('close', resolve))

    await connection.close()
    expect(held(listener)).to.deep.equal({})
    await new Promise(resolve => setImmediate(resolve))
    expect(socket.closed).to.equal(false)
    clock.tick(LONG)
    socket.resume()
    await closed
  })

  it('should be closed in time when the remote takes nothing any more', async () => {
    const listener = await nodes.create({ addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] }, transports: [tcp()] })
    const dialer = await nodes.create({ transports: [tcp()] })
    const local = await dialer.dial(listener.getMultiaddrs()[0])
    const remote = await otherEnd(local, dialer, listener)
    const { socket: remoteSocket } = rawConnection(remote) as any
    const { socket: localSocket } = rawConnection(local) as any
    const { maConn } = muxerOf(local) as any
    const pings = new Uint8Array(5_000 * PING.byteLength)

    for (let i = 0; i < pings.byteLength; i += PING.byteLength) {
      pings.set(PING, i)
    }

    // the answers are more than both kernels take
    localSocket.pause()

    while (remoteSocket.writableLength === 0) {
      maConn.send(pings)
      await new Promise(resolve => setImmediate(resolve))
    }

    clock = useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'], shouldClearNativeTimers: true })
    const ended = new Promise(resolve => rawConnection(remote).addEventListener('close', resolve))

    localSocket.end()
    await ended
    expect(remoteSocket.destroyed).to.equal(false)
    clock.tick(LONG)
    expect(remoteSocket.destroyed).to.equal(true)
    localSocket.destroy()
  })

  it('should be closed when a connection that this node has dialled is refused', async () => {
    const listener = await nodes.create(WS)
    const dialer = await nodes.create({ transports: [webSockets()], connectionGater: { denyOutboundEncryptedConnection: () => true } })
    const proxy = await InjectingProxy.to(listener)

    await rejection(dialer.dial(multiaddr(`/ip4/127.0.0.1/tcp/${proxy.port}/ws`)))
    await eventually(() => proxy.dialers[0].closed, 'the end of the socket')
    proxy.close()
  })
})
