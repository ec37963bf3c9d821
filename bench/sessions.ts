/**
 * `node --expose-gc bench/sessions.ts`: what sessions cost. The heap of a session by
 * itself and of one that observes a stream of a real node, the time to count the bytes of
 * a message, and the time that a scan for the highest bit rates takes when metrics are
 * scraped.
 */

import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { memory } from '@libp2p/memory'
import { createLibp2p } from 'libp2p'
import { resourceManager } from '../src/index.ts'
import { ByteSession } from '../src/libp2p/sessions/byte-session.ts'
import { SessionRegistry } from '../src/sessions.ts'
import type { Collector, SessionsInit } from '../src/index.ts'
import type { DefaultCollector } from '../src/sessions/default-collector.ts'
import type { Libp2p } from '@libp2p/interface'

const SESSIONS = 100_000
const CONNECTIONS = 10
const STREAMS_PER_CONNECTION = 200
const PROTOCOL = '/bench/1.0.0'
const SERVICE = 'bench'

/**
 * How often times are measured. The lowest is what counts: what else the machine does
 * only makes them longer.
 */
const ROUNDS = 40
const CALLS = 100_000

/**
 * How long everything gets to settle, in ms
 */
const SETTLE = 500

function print (what: string, value: number, unit: string): void {
  process.stdout.write(`${what.padEnd(52)} ${value.toFixed(value < 100 ? 1 : 0).padStart(8)} ${unit}\n`)
}

function median (values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1]
}

function heap (): number {
  globalThis.gc?.()

  return process.memoryUsage().heapUsed
}

/**
 * A collector with sessions of as many peers as there are sessions
 */
function fill (collector: Collector, count: number): string[] {
  const ids: string[] = []

  for (let i = 0; i < count; i++) {
    const id = `stream-${i}`

    collector.registerAndActivate(id, PROTOCOL, `/ip4/10.0.0.1/tcp/${i}`, `peer-${i}`)
    ids.push(id)
  }

  return ids
}

function heapPerSession (): number {
  const collector = new SessionRegistry().register('bench')
  const before = heap()
  const ids = fill(collector, SESSIONS)
  const bytes = heap() - before

  collector.stop()

  return bytes / ids.length
}

/**
 * @returns ns for each time that `count` is called, with all sessions in turn
 */
function timePerCall (sessions: number, count: (session: ByteSession) => void): number {
  const collector = new SessionRegistry().register('bench') as DefaultCollector
  const open = fill(collector, sessions).map(id => new ByteSession(collector, { id, reference: '', location: '', peer: '' }))
  const times: number[] = []

  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now()

    for (let i = 0; i < CALLS; i++) {
      count(open[i % sessions])
    }

    times.push((performance.now() - start) * 1e6 / CALLS)
  }

  collector.stop()

  return Math.min(...times)
}

/**
 * @returns ns for each call with an id, all sessions in turn
 */
function timePerCallById (sessions: number): number {
  const collector = new SessionRegistry().register('bench')
  const ids = fill(collector, sessions)
  const times: number[] = []

  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now()

    for (let i = 0; i < CALLS; i++) {
      collector.ingress(ids[i % sessions], 1_000)
    }

    times.push((performance.now() - start) * 1e6 / CALLS)
  }

  collector.stop()

  return Math.min(...times)
}

/**
 * @returns ms for both directions
 */
function timeOfTopBitrates (): number {
  const collector = new SessionRegistry().register('bench')
  const times: number[] = []

  fill(collector, SESSIONS).forEach(id => { collector.ingress(id, 1_000) })

  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now()

    collector.topIngressBitrate()
    collector.topEgressBitrate()
    times.push(performance.now() - start)
  }

  collector.stop()

  return Math.min(...times)
}

async function createNode (init: Parameters<typeof resourceManager>[0], listen: string[] = []): Promise<Libp2p> {
  return createLibp2p({
    addresses: { listen },
    transports: [memory()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    connectionManager: { maxConnections: 2 * CONNECTIONS, inboundConnectionThreshold: Infinity },
    services: { resourceManager: resourceManager(init) }
  })
}

/**
 * @returns bytes of heap for each stream, both ends together
 */
async function heapPerStream (sessions: SessionsInit | undefined, name: string): Promise<number> {
  const limits = { system: { streams: 'unlimited', streamsInbound: 'unlimited' }, peerDefault: { streams: 'unlimited', streamsInbound: 'unlimited' } } as const
  const listener = await createNode({ services: { [SERVICE]: [PROTOCOL] }, sessions, limits, enforce: false, transientShare: 1 }, [`/memory/${name}`])
  const dialer = await createNode({ enabled: false })
  const options = { maxInboundStreams: STREAMS_PER_CONNECTION, maxOutboundStreams: STREAMS_PER_CONNECTION }
  let handled = 0

  await listener.handle(PROTOCOL, () => { handled++ }, options)

  const connections = []

  for (let i = 0; i < CONNECTIONS; i++) {
    connections.push(await dialer.dial(listener.getMultiaddrs(), { force: true }))
  }

  await settle()
  const before = heap()

  for (const connection of connections) {
    for (let i = 0; i < STREAMS_PER_CONNECTION; i++) {
      const stream = await connection.newStream(PROTOCOL, options)

      stream.send(new Uint8Array(1))
    }
  }

  await settle()

  if (handled !== CONNECTIONS * STREAMS_PER_CONNECTION) {
    throw new Error(`${handled} streams were handled`)
  }

  const bytes = heap() - before

  await Promise.all([listener.stop(), dialer.stop()])

  return bytes / handled
}

async function settle (): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, SETTLE))
}

if (globalThis.gc == null) {
  throw new Error('run with --expose-gc')
}

heapPerSession()
print('heap of a session', heapPerSession(), 'bytes')

// what is allocated once, such as code, must not count
await heapPerStream(undefined, 'warm-up')

const differences: number[] = []

for (let round = 0; round < 3; round++) {
  const without = await heapPerStream(undefined, `without-${round}`)
  const observed = await heapPerStream({ collectors: { [SERVICE]: { sessionTimeout: 600_000 } } }, `with-${round}`)

  differences.push(observed - without)
}

print('heap that a session adds to a stream of a node', median(differences), 'bytes')

for (const count of [1, 1_000, SESSIONS]) {
  print(`bytes by id, ${count} sessions in turn`, timePerCallById(count), 'ns')
  print(`bytes of a stream of a node, ${count} sessions in turn`, timePerCall(count, session => { session.received(1_000) }), 'ns')
}

print('highest bit rates of 100,000 sessions, for a scrape', timeOfTopBitrates(), 'ms')
