/**
 * `node bench/stream-memory.ts`: what it costs to look at the buffers of streams, and
 * to count the bytes of a message
 */

import { createResourceManager, InfiniteLimits } from '../src/index.ts'
import { StreamMemory } from '../src/libp2p/stream-memory.ts'
import { createPeers } from './peers.ts'
import type { LiveStream } from '../src/libp2p/live-stream.ts'
import type { DefaultResourceManager } from '../src/resource-manager.ts'

const STREAMS = [1_000, 10_000]
const LOOKS = 1_000
const MESSAGES = 1_000_000

/**
 * Nanoseconds for each of many
 */
function time (count: number, run: () => void): number {
  const start = process.hrtime.bigint()

  run()

  return Number(process.hrtime.bigint() - start) / count
}

const [peer] = await createPeers(1)

for (const count of STREAMS) {
  const manager = createResourceManager({ limits: InfiniteLimits }) as DefaultResourceManager
  const streams = new Set<LiveStream>()

  for (let i = 0; i < count; i++) {
    streams.add({ stream: { readBufferLength: 0, writeBufferLength: 0 }, scope: manager.openStream(peer, 'inbound'), buffered: 0 } as unknown as LiveStream)
  }

  const memory = new StreamMemory(manager, streams, () => {})
  const perStream = time(LOOKS * count, () => {
    for (let i = 0; i < LOOKS; i++) {
      memory.look()
    }
  })

  const connection = { dispatchEvent: () => true }
  const event = { type: 'message', data: { byteLength: 0 } }
  const send = (): void => {
    for (let i = 0; i < MESSAGES; i++) {
      (connection.dispatchEvent as (event: unknown) => boolean)(event)
    }
  }
  const before = time(MESSAGES, send)

  memory.watchConnection(connection as any)
  const after = time(MESSAGES, send)

  process.stdout.write(`${count} streams: a look takes ${perStream.toFixed(1)} ns per stream, a message ${(after - before).toFixed(1)} ns more\n`)
}
