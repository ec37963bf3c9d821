/**
 * `node bench/stream-memory.ts`: what it costs to measure the buffers of streams and
 * connections, and to count the bytes of a message
 */

import { Uint8ArrayList } from 'uint8arraylist'
import { createResourceManager } from '../src/index.ts'
import { LiveConnection } from '../src/libp2p/buffers/live-connection.ts'
import { LiveStream } from '../src/libp2p/buffers/live-stream.ts'
import { StreamMemory } from '../src/libp2p/buffers/stream-memory.ts'
import { wrapMuxer } from '../src/libp2p/streams/observed-muxers.ts'
import { InfiniteLimits } from '../src/limits.ts'
import { PositionedList } from '../src/util/positioned-list.ts'
import { createPeers } from './peers.ts'
import type { LiveStreamOwner } from '../src/libp2p/buffers/live-stream.ts'
import type { DefaultResourceManager } from '../src/manager/resource-manager.ts'
import type { DefaultConnectionScope } from '../src/scopes/connection-scope.ts'
import type { DefaultStreamScope } from '../src/scopes/stream-scope.ts'
import type { MultiaddrConnection, Stream, StreamMuxer } from '@libp2p/interface'

const COUNTS = [1_000, 10_000]
const MEASUREMENTS = 1_000
const MESSAGES = 1_000_000

/**
 * Buffers like those of libp2p's streams and connections
 */
class Buffers {
  readonly readBuffer = new Uint8ArrayList()
  readonly writeBuffer = new Uint8ArrayList()
  readonly decoder = { buffer: new Uint8ArrayList() }
  readonly socket = { writableLength: 0 }

  dispatchEvent (_event: unknown): boolean {
    return true
  }

  get readBufferLength (): number {
    return this.readBuffer.byteLength
  }

  get writeBufferLength (): number {
    return this.writeBuffer.byteLength
  }
}

/**
 * Nanoseconds for each of many
 */
function time (count: number, run: () => void): number {
  const start = process.hrtime.bigint()

  run()

  return Number(process.hrtime.bigint() - start) / count
}

function timeMeasuring (count: number, memory: StreamMemory): string {
  const measureAll = (): void => {
    for (let i = 0; i < MEASUREMENTS; i++) {
      memory.measure()
    }
  }

  measureAll()

  return time(MEASUREMENTS * count, measureAll).toFixed(1)
}

function timeMessages (memory: StreamMemory): string {
  const muxer = { onData: (_data: unknown) => {}, addEventListener: () => {}, removeEventListener: () => {}, createStream: () => {} }
  const data = { byteLength: 0 }
  const send = (): void => {
    for (let i = 0; i < MESSAGES; i++) {
      muxer.onData(data)
    }
  }
  const before = time(MESSAGES, send)

  wrapMuxer(muxer as any, new EventTarget() as any, { muxer: muxer as any, tracker: { admitInbound: () => true }, received: bytes => { memory.countBytes(bytes) }, open: async create => create() })

  return (time(MESSAGES, send) - before).toFixed(1)
}

const OWNER: LiveStreamOwner = { short: false, end: () => {}, closed: () => {}, left: () => {}, withheld: () => {}, evict: () => false }
const [peer] = createPeers(1)

for (const count of COUNTS) {
  const manager = createResourceManager({ limits: InfiniteLimits }) as DefaultResourceManager
  const openConnection = (): DefaultConnectionScope => manager.openConnection('inbound', false) as DefaultConnectionScope
  const streams = new PositionedList<LiveStream>()
  const ofStreams = new StreamMemory(manager.core, streams)
  const ofConnections = new StreamMemory(manager.core, new PositionedList())
  const connection = openConnection()

  for (let i = 0; i < count; i++) {
    const buffers = new LiveConnection(openConnection(), new Buffers() as unknown as MultiaddrConnection, { end () {}, closed () {} })

    buffers.upgraded(new Buffers() as any, new Buffers() as unknown as StreamMuxer)
    ofConnections.addConnection(buffers)
    streams.add(new LiveStream(new Buffers() as unknown as Stream, manager.openStream(peer, 'inbound') as DefaultStreamScope, connection, OWNER))
  }

  process.stdout.write(`${count} streams: measuring takes ${timeMeasuring(count, ofStreams)} ns per stream, a message ${timeMessages(ofStreams)} ns more\n`)
  process.stdout.write(`${count} connections: measuring takes ${timeMeasuring(count, ofConnections)} ns per connection\n`)
}
