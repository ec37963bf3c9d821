import { SLOW } from './framework/protocols.ts'
import type { Attack } from './framework/attack.ts'

const STREAMS = 8
const CHUNK = new Uint8Array(64 * 1024)
const CHUNKS_PER_STREAM = 400

/**
 * A stream that is iterated gives away all it receives, and what the handler has not
 * got to yet waits in the iterator. So the remote has to wait as well, and nothing is
 * refused. The handlers go on with what they have when the attackers are gone.
 */
export const slowIterator: Attack = {
  name: 'slow-iterator',
  what: 'two peers send 25 MiB over each of 8 streams to a handler that takes its time with each chunk',
  attackers: 2,
  honest: 'stranger',
  refused: false,
  manager: { handlerGrace: 1_000 },
  bounds: { resident: 192 },
  run: async (target) => {
    const connection = await target.connect(await target.startNode(target.attacker))

    await target.repeat(STREAMS, STREAMS, async () => {
      const stream = await connection.newStream(SLOW, { signal: target.signal })

      await target.send(stream, CHUNK, CHUNKS_PER_STREAM)
    })
  }
}
