import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { expect } from 'aegir/chai'
import { LevelDatastore } from 'datastore-level'
import { Key } from 'interface-datastore'
import { IPLimiter } from '../../src/sessions.ts'
import { CapturedLogger } from './fixtures/captured-logger.ts'
import { drained } from './fixtures/drained.ts'
import { eventually } from './fixtures/eventually.ts'
import { Inbox, PROTOCOL } from './fixtures/inbox.ts'
import { overTcp, overWebSockets } from './fixtures/node-transports.ts'
import { TestNodes } from './fixtures/nodes.ts'
import { overMemory } from './fixtures/transports.ts'
import { sessionEcho } from './suite/session-echo.ts'
import type { NodeOptions, TestNode } from './fixtures/nodes.ts'
import type { Bitrates, ResourceManagerInit, SessionRegistry, SessionsInit } from '../../src/index.ts'
import type { PeerId, PrivateKey } from '@libp2p/interface'

const SERVICES = { test: [PROTOCOL] }

const ECHOES: Record<string, ResourceManagerInit | false> = {
  'without a resource manager': false,
  'without sessions': { services: SERVICES },
  'with sessions that are slowed': {
    services: SERVICES,
    // more than the application can use up at times, and less at others
    sessions: { collectors: { test: { maxRxBitrate: 2e8, maxTxBitrate: 1e8, throttle: true } } }
  },
  'with sessions': { services: SERVICES, sessions: { collectors: { test: {}, connections: {} } } }
}

sessionEcho('tcp', overTcp, ECHOES)
sessionEcho('websockets', overWebSockets, ECHOES)

function sessionsOf (node: TestNode): SessionRegistry {
  return node.services.resourceManager.sessions
}

/**
 * In bytes per second
 */
const RATE = 2 ** 20

/**
 * How often a rate is measured at most
 */
const ATTEMPTS = 6

/**
 * A timer that is later than this, in ms, means that the process did not run, as what a budget saves is
 * lost after twice the time
 */
const LATE = 50

/**
 * Windows do not grow, as yamux has them do where the other end answers slowly: what is under way
 * when a stream is held back would be a large part of what is measured
 */
const WINDOW = 2 ** 18
const MUXER = yamux({ streamOptions: { maxStreamWindowSize: WINDOW } })

/**
 * What a budget saves while nobody spends it, in seconds, and a little for clocks
 */
const SAVED = 0.1 + 0.01

describe('bit rates of sessions', function () {
  const nodes = new TestNodes()

  afterEach(async () => {
    await nodes.stop()
  })

  const limits: Record<string, (rates: Bitrates) => SessionsInit> = {
    'a service': (rates) => ({ collectors: { test: { ...rates, throttle: true } } }),
    connections: (rates) => ({ collectors: { connections: { ...rates, throttle: true } } }),
    'the node': (rates) => ({ throttle: { system: rates } }),
    'a peer': (rates) => ({ throttle: { peer: rates } }),
    'everything at once': (rates) => ({
      collectors: { test: { ...rates, throttle: true }, connections: { ...rates, throttle: true } },
      throttle: { system: rates, peer: rates }
    })
  }

  /**
   * How long, in seconds, two streams take for what so many seconds of `RATE` are: all in all, and
   * without the time in which the machine did not let this process run
   */
  async function measure (seconds: number, receiver: SessionsInit, sender: SessionsInit, enforce?: boolean): Promise<{ time: number, awake: number }> {
    const { dialer, listener, address } = await overTcp.connect(nodes, {
      dialer: { streamMuxers: [MUXER], manager: { services: SERVICES, sessions: sender, enforce } },
      listener: { streamMuxers: [MUXER], manager: { services: SERVICES, sessions: receiver, enforce } }
    })
    const received = Promise.withResolvers<void>()
    let left = seconds * RATE
    await listener.handle(PROTOCOL, (stream) => {
      stream.addEventListener('message', ({ data }) => {
        left -= data.byteLength

        if (left === 0) {
          received.resolve()
        }
      })
    })
    const streams = await Promise.all(['a', 'b'].map(async () => dialer.dialProtocol(address, PROTOCOL)))
    const share = left / streams.length
    const start = performance.now()
    let last = start
    let asleep = 0

    const sampling = setInterval(() => {
      const gap = performance.now() - last

      asleep += gap > LATE ? gap : 0
      last += gap
    }, LATE / 5)

    await Promise.all(streams.map(async stream => {
      for (let sent = 0; sent < share; sent += 2 ** 16) {
        if (!stream.send(new Uint8Array(2 ** 16))) {
          await drained(stream)
        }
      }
    }))
    await received.promise
    clearInterval(sampling)

    const time = performance.now() - start

    return { time: time / 1_000, awake: (time - asleep) / 1_000 }
  }

  /**
   * Measures until the rate is high enough. It may never be above the limit, but a machine that has
   * other things to do makes it lower.
   */
  async function expectRate (enough: number, seconds: number, receiver: SessionsInit, sender: SessionsInit): Promise<void> {
    // what is under way when a stream is held back arrives all the same
    const ahead = receiver.collectors === undefined ? 0 : 2 * WINDOW / RATE
    let most = 0

    for (let i = 0; i < ATTEMPTS && most < enough; i++) {
      const { awake, time } = await measure(seconds, receiver, sender)

      expect(seconds).to.be.at.most(time + SAVED + ahead)
      most = Math.max(most, seconds / awake)
    }

    expect(most).to.be.at.least(enough)
  }

  it('should be held over seconds, whoever sends', async function () {
    this.timeout(240_000)

    const limit = limits['a service']

    await Promise.all([
      expectRate(0.9, 10, limit({ maxRxBitrate: 8 * RATE }), {}),
      expectRate(0.9, 10, {}, limit({ maxTxBitrate: 8 * RATE }))
    ])
  })

  for (const [subject, limit] of Object.entries(limits)) {
    it(`should be those of ${subject}`, async function () {
      this.timeout(120_000)
      await expectRate(0.8, 1, {}, limit({ maxTxBitrate: 8 * RATE }))
    })
  }

  it('should not slow anything in a dry run', async () => {
    // one byte a second
    const { awake } = await measure(1, { throttle: { system: { maxRxBitrate: 8 } } }, {}, false)

    expect(awake).to.be.below(0.5)
  })
})

describe('sessions over tcp', function () {
  const nodes = new TestNodes()

  afterEach(async () => {
    await nodes.stop()
  })

  it('should not be there for addresses that are not of interest', async () => {
    const { dialer, listener, address } = await overTcp.connect(nodes, {
      dialer: {
        manager: {
          services: { ...SERVICES, other: ['/other/1.0.0'] },
          sessions: { collectors: { test: { limiter: new IPLimiter({ block: ['127.0.0.0/8'] }) }, other: {} } }
        }
      }
    })
    await Inbox.of(listener)
    await Inbox.of(listener, '/other/1.0.0')
    const connection = await dialer.dial(address)

    for (const protocol of [PROTOCOL, '/other/1.0.0']) {
      const stream = await connection.newStream(protocol)
      stream.send(new Uint8Array(10))
    }

    expect(sessionsOf(dialer).collector('test')?.sessions()).to.equal(0)
    expect(sessionsOf(dialer).collector('other')?.sessions()).to.equal(1)
  })
})

describe('the history of sessions', () => {
  const nodes = new TestNodes()
  const formerKey = new Key('/libp2p-resource-manager/sessions:test')
  let privateKey: PrivateKey
  let key: Key
  let directory: string
  let datastore: LevelDatastore

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sessions-'))
    datastore = new LevelDatastore(directory)
    await datastore.open()
    privateKey = await generateKeyPair('Ed25519')
    key = keyOf(peerIdFromPrivateKey(privateKey))
  })

  afterEach(async () => {
    await nodes.stop()
    await datastore.close()
    await rm(directory, { recursive: true })
  })

  function keyOf (peer: PeerId): Key {
    return new Key(`/libp2p-resource-manager/sessions/${peer}:test`)
  }

  function recorded (logger?: CapturedLogger): NodeOptions {
    return { datastore, logger, privateKey, manager: { services: SERVICES, sessions: { collectors: { test: {} } } } }
  }

  async function transfer (node: TestNode, bytes: number): Promise<void> {
    const { listener, address } = await overMemory(yamux()).connect(nodes)
    const inbox = await Inbox.of(listener)
    const stream = await node.dialProtocol(address, PROTOCOL)
    await inbox.next()

    stream.send(new Uint8Array(bytes))
    await eventually(() => sessionsOf(node).active('test').length > 0, 'the session')
  }

  it('should be there after a restart, with another process in between', async () => {
    const first = await nodes.create(recorded())
    await transfer(first, 1000)
    // while the stream is open: its session ends with the node
    await first.stop()
    await datastore.close()

    datastore = new LevelDatastore(directory)
    await datastore.open()
    const second = await nodes.create(recorded())
    expect(sessionsOf(second).summary('test').summary).to.include({ totalSessions: 1, totalTxBytes: 1000 })

    await transfer(second, 10)
    await second.stop()
    expect(sessionsOf(second).summary('test').summary).to.include({ totalSessions: 2, totalTxBytes: 1010 })
    await second.start()
    expect(sessionsOf(second).summary('test').summary).to.include({ totalSessions: 2, totalTxBytes: 1010 })
  })

  it('should be that of the node where several share a datastore', async () => {
    const first = await nodes.create(recorded())
    const second = await nodes.create({ ...recorded(), privateKey: await generateKeyPair('Ed25519') })

    await transfer(first, 1000)
    await transfer(second, 10)
    await first.stop()
    await second.stop()
    await first.start()
    await second.start()

    expect(sessionsOf(first).summary('test').summary).to.include({ totalSessions: 1, totalTxBytes: 1000 })
    expect(sessionsOf(second).summary('test').summary).to.include({ totalSessions: 1, totalTxBytes: 10 })
    expect(await datastore.has(key)).to.be.true()
    expect(await datastore.has(keyOf(second.peerId))).to.be.true()
  })

  it('should be found where it was before it belonged to a node, by the first one', async () => {
    const text = JSON.stringify({ version: 1, sessions: [['/ip4/192.0.2.1/tcp/4001', 'alice', '/ref', 5, 500, 50]] })

    await datastore.put(formerKey, new TextEncoder().encode(text))

    const first = await nodes.create(recorded())
    const second = await nodes.create({ ...recorded(), privateKey: await generateKeyPair('Ed25519') })

    expect(sessionsOf(first).summary('test').summary).to.include({ totalSessions: 5, totalRxBytes: 500, totalTxBytes: 50 })
    expect(sessionsOf(second).summary('test').summary).to.include({ totalSessions: 0 })
    expect(await datastore.has(formerKey)).to.be.false()
  })

  it('should have one place for a remote, however often it connects', async () => {
    const manager = { services: SERVICES, sessions: { collectors: { test: {}, connections: {} } } }
    const { dialer, listener, address } = await overTcp.connect(nodes, { dialer: { manager: false }, listener: { manager } })
    const inbox = await Inbox.of(listener)

    for (let i = 0; i < 3; i++) {
      const stream = await dialer.dialProtocol(address, PROTOCOL)

      stream.send(new Uint8Array(10))
      await inbox.next()
      await eventually(() => sessionsOf(listener).active('test').length === 1, 'the session')
      await dialer.hangUp(listener.peerId)
      await eventually(() => sessionsOf(listener).collector('connections')?.sessions() === 0, 'the end of the connection')
      await eventually(() => sessionsOf(listener).collector('test')?.sessions() === 0, 'the end of the stream')
    }

    for (const collector of ['test', 'connections']) {
      const { locations, peers } = sessionsOf(listener).summary(collector).summary

      expect(locations).to.have.all.keys('/ip4/127.0.0.1')
      expect(locations['/ip4/127.0.0.1'].totalSessions).to.equal(3)
      expect(peers).to.have.all.keys(dialer.peerId.toString())
    }
  })

  it('should be set aside where it is damaged, and the node start', async () => {
    const damaged = new TextEncoder().encode('{"entries":')
    const logger = new CapturedLogger()
    await datastore.put(key, damaged)

    const node = await nodes.create(recorded(logger))

    expect(node.status).to.equal('started')
    expect(sessionsOf(node).summary('test').summary).to.include({ totalSessions: 0 })
    expect(await datastore.get(key.instance('damaged'))).to.equalBytes(damaged)
    expect(logger.errors.join()).to.include('history of collector test is damaged')

    await transfer(node, 10)
    await node.stop()
    expect(await datastore.get(key)).to.not.equalBytes(damaged)
  })
})
