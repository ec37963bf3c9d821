import { LARGE } from './framework/protocols.ts'
import type { Attack } from './framework/attack.ts'

const REQUESTS = 16

/**
 * What a remote does not read waits in the node that sends it
 */
export const writeHog: Attack = {
  name: 'write-hog',
  what: 'two peers request 16 MiB over each of 16 streams and never read',
  attackers: 2,
  honest: 'stranger',
  // what this node has queued may fill all of it. What was ended beside that is there until the
  // engine collects it, which it does for every 64 MiB outside of its heap
  manager: { maxMemory: '48MiB' },
  bounds: { resident: 192 },
  run: async (target) => {
    const connection = await target.connect(await target.startNode(target.attacker))

    await target.repeat(REQUESTS, 1, async () => {
      const stream = await connection.newStream(LARGE, { maxOutboundStreams: Infinity, signal: target.signal })

      stream.pause()
      stream.send(Uint8Array.of(1))
    })
  }
}
