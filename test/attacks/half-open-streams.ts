import { muxerOf } from './framework/target.ts'
import type { Attack } from './framework/attack.ts'

const CONNECTIONS = 8
const STREAMS = 600

/**
 * One peer may have a share of the streams without a protocol
 */
export const halfOpenStreams: Attack = {
  name: 'half-open-streams',
  what: 'three peers open streams over 8 connections each and never negotiate a protocol',
  attackers: 3,
  honest: 'stranger',
  manager: { limits: { transient: { streamsInbound: 128 } } },
  bounds: { resident: 128, streams: 160 },
  run: async (target) => {
    const node = await target.startNode(target.attacker)
    const connections = await Promise.all(Array.from({ length: CONNECTIONS }, async () => target.connect(node)))

    await target.repeat(CONNECTIONS * STREAMS, 16, async i => {
      const stream = await muxerOf(connections[i % CONNECTIONS]).createStream()

      // the length of what never comes
      stream.send(Uint8Array.of(19))
    })
  }
}
