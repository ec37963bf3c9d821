import { WORK } from './framework/protocols.ts'
import type { Attack } from './framework/attack.ts'

/**
 * Streams that are gone count as long as their handler runs
 */
export const openAndReset: Attack = {
  name: 'open-and-reset',
  what: 'two peers open streams and reset them as soon as the handler runs',
  attackers: 2,
  honest: 'stranger',
  manager: { limits: { protocolPeerDefault: { streamsInbound: 64 } } },
  bounds: { resident: 128, handlers: 128 },
  run: async (target) => {
    const connection = await target.connect(await target.startNode(target.attacker))

    await target.repeat(20_000, 64, async () => {
      const stream = await connection.newStream(WORK, { maxOutboundStreams: Infinity, signal: target.signal })

      stream.abort(new Error('enough'))
    })
  }
}
