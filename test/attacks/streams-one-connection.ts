import { UNREAD } from './framework/protocols.ts'
import type { Attack } from './framework/attack.ts'

/**
 * A peer may have so many streams of a protocol, and of all of them
 */
export const streamsOneConnection: Attack = {
  name: 'streams-one-connection',
  what: 'a peer opens streams of eight protocols over one connection and keeps them',
  attackers: 1,
  honest: 'stranger',
  // without limits of their own, peers could have as many as the handlers of the victim say
  manager: { limits: { peerDefault: { streamsInbound: 256 } } },
  bounds: { resident: 128, streams: 300 },
  run: async (target) => {
    const connection = await target.connect(await target.startNode(0))

    await target.repeat(2_000, 32, async i => {
      await connection.newStream(UNREAD[i % UNREAD.length], { maxOutboundStreams: Infinity, signal: target.signal })
    })
  }
}
