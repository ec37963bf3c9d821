import { UNREAD } from './framework/protocols.ts'
import type { Attack } from './framework/attack.ts'

const NODES = 8
const STREAMS = 500

/**
 * Together peers are allowed more than the system has: others are only served if somebody gives way
 */
export const streamsManyConnections: Attack = {
  name: 'streams-many-connections',
  what: '16 peers open streams of eight protocols and keep them',
  attackers: 2,
  honest: 'stranger',
  bounds: { resident: 128, streams: 1_100 },
  run: async (target) => {
    const nodes = await Promise.all(Array.from({ length: NODES }, async (_, i) => target.startNode(target.attacker * NODES + i)))
    const connections = await Promise.all(nodes.map(async node => target.connect(node)))

    await target.repeat(NODES * STREAMS, 64, async i => {
      await connections[i % NODES].newStream(UNREAD[i % UNREAD.length], { maxOutboundStreams: Infinity, signal: target.signal })
    })
  }
}
