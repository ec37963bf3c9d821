import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { ConnectionLimitExceededError, StreamLimitExceededError } from '../../../src/index.ts'
import { eventually, eventuallyEqual, rejection } from '../fixtures/eventually.ts'
import { eventuallyHeld, held, leaveRoom, TestNodes } from '../fixtures/nodes.ts'
import { randomBytes, randomNumbers } from '../fixtures/random-bytes.ts'
import { LISTENER_ADDRESS, SINGLE_PROTOCOL, STAT_PROTOCOL } from '../fixtures/websocket-listener.ts'
import type { Features, ResourceManagerInit, ResourceManagerStat, ScopeStat } from '../../../src/index.ts'
import type { TestNode } from '../fixtures/nodes.ts'
import type { Connection, Stream } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

const ECHO_PROTOCOL = '/echo/1.0.0'
const ECHO_SERVICE = 'libp2p.echo'

/**
 * How long to ask for what must happen, in ms: far longer than it ever takes
 */
const PATIENCE = 20_000

/**
 * Several receive windows of a stream
 */
const SIZE = 2 ** 20

const NOTHING: ScopeStat = { memory: 0, numStreamsInbound: 0, numStreamsOutbound: 0, numConnsInbound: 0, numConnsOutbound: 0, numFD: 0 }

async function readAll (stream: Stream): Promise<Uint8Array> {
  const received: Uint8Array[] = []

  for await (const data of stream) {
    received.push(data.subarray())
  }

  return new Blob(received as BlobPart[]).bytes()
}

/**
 * What the scopes of the node in Node.js hold
 */
async function statOfListener (connection: Connection): Promise<ResourceManagerStat> {
  const stream = await connection.newStream(STAT_PROTOCOL)
  const json = new TextDecoder().decode(await readAll(stream))
  await stream.close()

  return JSON.parse(json)
}

/**
 * Asks the listener until it answers this
 */
async function eventuallyAtListener<T> (connection: Connection, answerOf: (stat: ResourceManagerStat) => T, expected: T): Promise<void> {
  const deadline = Date.now() + PATIENCE
  const key = JSON.stringify(expected)
  let answer: T

  do {
    answer = answerOf(await statOfListener(connection))
  } while (JSON.stringify(answer) !== key && Date.now() < deadline)

  expect(answer).to.deep.equal(expected)
}

/**
 * @param name
 * @param features - what the page has
 */
export function pageToNode (name: string, features?: Features): void {
  describe(`a node in a browser that dials one in Node.js, ${name}`, () => {
    const nodes = new TestNodes()
    let address: Multiaddr

    before(() => {
      address = multiaddr(process.env[LISTENER_ADDRESS])
    })

    afterEach(async () => {
      await nodes.stop()
    })

    async function createNode (manager?: ResourceManagerInit): Promise<TestNode> {
      return nodes.create({
        transports: [webSockets()],
        // the one of browsers refuses private addresses
        connectionGater: { denyDialMultiaddr: () => false },
        manager: { features, ...manager }
      })
    }

    it('should count the streams of an echo at both ends', async () => {
      const bytes = randomBytes(SIZE, randomNumbers(1))
      const node = await createNode()
      const connection = await node.dial(address)
      const remote = connection.remotePeer.toString()
      const local = node.peerId.toString()

      // no file descriptor
      expect(held(node)).to.deep.equal({
        system: { numConnsOutbound: 1 },
        [remote]: { numConnsOutbound: 1 }
      })

      const stream = await connection.newStream(ECHO_PROTOCOL)
      const echoed = readAll(stream)

      expect(held(node)).to.deep.equal({
        system: { numConnsOutbound: 1, numStreamsOutbound: 1 },
        [ECHO_SERVICE]: { numStreamsOutbound: 1 },
        [ECHO_PROTOCOL]: { numStreamsOutbound: 1 },
        [remote]: { numConnsOutbound: 1, numStreamsOutbound: 1 }
      })
      await eventuallyAtListener(connection, ({ services }) => services[ECHO_SERVICE]?.numStreamsInbound, 1)

      const stat = await statOfListener(connection)
      expect(stat.system).to.include({ numConnsInbound: 1, numFD: 1 })
      expect(stat.protocols[ECHO_PROTOCOL]).to.include({ numStreamsInbound: 1, numStreamsOutbound: 0 })
      expect(stat.peers[local]).to.include({ numConnsInbound: 1, numConnsOutbound: 0 })

      stream.send(bytes)
      await stream.close()
      expect(await echoed).to.equalBytes(bytes)

      await eventuallyHeld(node, {
        system: { numConnsOutbound: 1 },
        [remote]: { numConnsOutbound: 1 }
      })
      await eventuallyAtListener(connection, ({ services }) => services[ECHO_SERVICE].numStreamsInbound, 0)
    })

    it('should refuse what exceeds a limit of the page before the listener hears of it', async () => {
      const node = await createNode({ limits: { protocol: { [SINGLE_PROTOCOL]: { streamsOutbound: 0 } } } })
      const observer = await (await createNode()).dial(address)
      const local = node.peerId.toString()

      leaveRoom(node, { connsOutbound: 0 })
      expect(await rejection(node.dial(address))).to.be.instanceOf(ConnectionLimitExceededError)
      expect((await statOfListener(observer)).peers).to.not.have.property(local)

      leaveRoom(node, { connsOutbound: 1 })
      const connection = await node.dial(address)
      expect(await rejection(connection.newStream(SINGLE_PROTOCOL))).to.be.instanceOf(StreamLimitExceededError)

      expect((await statOfListener(observer)).peers[local]).to.include({ numConnsInbound: 1 })
      expect(connection.status).to.equal('open')
      expect(held(node).system).to.deep.equal({ numConnsOutbound: 1 })
    })

    it('should be refused what exceeds a limit of the listener', async () => {
      const node = await createNode()
      const connection = await node.dial(address)

      await connection.newStream(SINGLE_PROTOCOL)
      // muxers tell of a stream before they know that the other end resets it
      const second = await connection.newStream(SINGLE_PROTOCOL).catch(() => {})

      await eventually(() => second?.status !== 'open', 'the reset of the stream')
      await eventuallyEqual(() => held(node)[SINGLE_PROTOCOL], { numStreamsOutbound: 1 }, 'streams of the page')
      expect((await statOfListener(connection)).protocols[SINGLE_PROTOCOL]).to.include({ numStreamsInbound: 1 })
      expect(connection.status).to.equal('open')
    })

    it('should leave nothing at the listener', async () => {
      const gone = await createNode()
      const observer = await createNode()

      const lost = await gone.dial(address)
      await lost.newStream(ECHO_PROTOCOL)
      const connection = await observer.dial(address)
      await eventuallyAtListener(connection, ({ system }) => system.numConnsInbound, 2)

      await gone.stop()
      await eventuallyAtListener(connection, ({ system, transient, services }) => [system, transient, services[ECHO_SERVICE]], [
        // the connection and the stream of the question itself
        { ...NOTHING, numStreamsInbound: 1, numConnsInbound: 1, numFD: 1 },
        NOTHING,
        NOTHING
      ])
    })
  })
}
