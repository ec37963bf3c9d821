import { once } from 'node:events'
import { connect } from 'node:net'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { createLibp2p } from 'libp2p'
import { CapturedLogger } from '../libp2p/fixtures/captured-logger.ts'
import { eventually } from '../libp2p/fixtures/eventually.ts'
import { held, muxerOf, TestNodes } from '../libp2p/fixtures/nodes.ts'
import type { ResourceManagerInit } from '../../src/index.ts'
import type { TestNode } from '../libp2p/fixtures/nodes.ts'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import type { Socket } from 'node:net'

const MiB = 2 ** 20
const ECHO = '/attacks/echo/1.0.0'
const SLOW = '/attacks/slow/1.0.0'

/**
 * Lines of log that a victim may write during an attack
 */
const LOG_LINES = 20

/**
 * How often an honest peer tries what it wants
 */
const HONEST_ATTEMPTS = 20

function buffered (streams: Stream[]): number {
  return streams.reduce((sum, { readBufferLength }) => sum + readBufferLength, 0)
}

describe('attacks over TCP', function () {
  // real sockets and real time, on a machine that may be busy
  this.retries(1)

  const nodes = new TestNodes()
  const attackers: Libp2p[] = []
  const sockets: Socket[] = []
  let logger: CapturedLogger

  beforeEach(() => {
    logger = new CapturedLogger()
  })

  afterEach(async () => {
    sockets.splice(0).forEach(socket => { socket.destroy() })
    await Promise.all(attackers.splice(0).map(async node => node.stop()))
    await nodes.stop()
    expect(logger.errors.length).to.be.below(LOG_LINES)
  })

  async function startVictim (manager: ResourceManagerInit = {}): Promise<TestNode> {
    const victim = await nodes.create({
      logger,
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [tcp()],
      connectionManager: { inboundConnectionThreshold: Infinity, maxIncomingPendingConnections: 1_000, inboundUpgradeTimeout: 1_000 },
      manager: { baseCosts: { connection: 65_536, stream: 8_192 }, transientShare: 0.25, rateLimits: false, ...manager }
    })

    await victim.handle(ECHO, (stream) => {
      stream.addEventListener('message', ({ data }) => { stream.send(data) })
    }, { maxInboundStreams: 1_000 })

    return victim
  }

  async function startPeer (): Promise<Libp2p> {
    const node = await createLibp2p({ transports: [tcp()], connectionEncrypters: [noise()], streamMuxers: [yamux()], connectionMonitor: { enabled: false } })

    attackers.push(node)

    return node
  }

  async function dial (victim: TestNode): Promise<Connection> {
    const node = await startPeer()
    const connection = await node.dial(victim.getMultiaddrs()[0])

    // a muxer takes few streams before the victim is ready for them
    await eventually(() => victim.getConnections(node.peerId).some(({ status }) => status === 'open'), 'the connection at the victim')

    return connection
  }

  async function expectHonestServed (connection: Connection): Promise<void> {
    let served = 0

    for (let i = 0; i < HONEST_ATTEMPTS; i++) {
      const stream = await connection.newStream(ECHO)

      stream.send(Uint8Array.of(i))
      await once(stream as any, 'message')
      served++
      stream.abort(new Error('enough'))
    }

    expect(served).to.equal(HONEST_ATTEMPTS)
  }

  it('should bound what remotes make it buffer, and serve the others', async () => {
    const limit = 8 * MiB
    const victim = await startVictim({ limits: { system: { memory: limit } } })
    const taken: Stream[] = []
    let most = 0

    await victim.handle(SLOW, (stream) => { taken.push(stream) }, { maxInboundStreams: 1_000 })
    const honest = await dial(victim)
    const connections = await Promise.all([dial(victim), dial(victim)])

    for (const connection of connections) {
      for (let i = 0; i < 30; i++) {
        // there may be no room for it any more
        const stream = await connection.newStream(SLOW, { maxOutboundStreams: 1_000 }).catch(() => {})

        stream?.send(new Uint8Array(256 * 1024))
        most = Math.max(most, buffered(taken))
      }
    }

    await eventually(() => taken.some(({ status }) => status === 'aborted'), 'the end of a stream')
    most = Math.max(most, buffered(taken))

    // what may be in buffers before they are looked at, and one chunk
    expect(most).to.be.below(0.6 * limit + 2 * MiB)
    await expectHonestServed(honest)
  })

  it('should bound the handlers that run when streams are opened and reset', async () => {
    const victim = await startVictim({ limits: { peerDefault: { streamsInbound: 16 } } })
    let running = 0
    let most = 0

    await victim.handle(SLOW, async () => {
      most = Math.max(most, ++running)
      await new Promise(resolve => setTimeout(resolve, 200))
      running--
    }, { maxInboundStreams: 1_000 })
    const honest = await dial(victim)
    const connection = await dial(victim)

    for (let i = 0; i < 200; i++) {
      const stream = await connection.newStream(SLOW, { maxOutboundStreams: 1_000 }).catch(() => {})

      stream?.abort(new Error('reset'))
    }

    expect(most).to.be.above(0).and.at.most(16)
    await expectHonestServed(honest)
  })

  it('should serve others while streams never negotiate a protocol', async () => {
    const victim = await startVictim({ limits: { transient: { streamsInbound: 16 } } })
    const honest = await dial(victim)
    const muxer = muxerOf(await dial(victim))

    for (let i = 0; i < 100; i++) {
      (await muxer.createStream()).send(Uint8Array.of(19))
    }

    await eventually(() => held(victim).transient?.numStreamsInbound === 4, 'a quarter of the transient scope')
    await expectHonestServed(honest)
  })

  it('should serve trusted addresses while sockets never finish their handshake', async () => {
    const victim = await startVictim({ limits: { transient: { connsInbound: 8 } } })
    const [ip, port] = victim.getMultiaddrs()[0].getComponents()

    for (let i = 0; i < 20; i++) {
      const socket = connect(Number(port.value), ip.value)

      // the victim resets most of them
      socket.on('error', () => {})
      sockets.push(socket)
    }

    await eventually(() => sockets.filter(({ closed }) => closed).length === 18, 'the end of what is more than a quarter')
    expect(held(victim).transient).to.include({ numConnsInbound: 2 })

    victim.services.resourceManager.allowlist.add(multiaddr('/ip4/127.0.0.1'))
    await expectHonestServed(await dial(victim))
  })
})
