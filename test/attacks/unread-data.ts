import { UNREAD } from './framework/protocols.ts'
import type { Attack } from './framework/attack.ts'

const CONNECTIONS = 4
const STREAMS = 32
const CHUNK = new Uint8Array(64 * 1024)
const CHUNKS_PER_STREAM = 16

/**
 * What nobody reads counts as memory. Buffers may fill 60% of the 64 MiB, and there is
 * what came since they were measured.
 */
export const unreadData: Attack = {
  name: 'unread-data',
  what: '8 peers send 1 MiB over each of 32 streams to handlers that never read',
  attackers: 2,
  honest: 'stranger',
  bounds: { resident: 192, buffered: 44 },
  run: async (target) => {
    const nodes = await Promise.all(Array.from({ length: CONNECTIONS }, async (_, i) => target.startNode(target.attacker * CONNECTIONS + i)))
    const connections = await Promise.all(nodes.map(async node => target.connect(node)))

    await target.repeat(CONNECTIONS * STREAMS, 8, async i => {
      const stream = await connections[i % CONNECTIONS].newStream(UNREAD[i % UNREAD.length], { maxOutboundStreams: Infinity, signal: target.signal })

      await target.send(stream, CHUNK, CHUNKS_PER_STREAM)
    })
  }
}
