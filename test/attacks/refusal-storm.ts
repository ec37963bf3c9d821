import { muxerOf } from './framework/target.ts'
import type { Attack } from './framework/attack.ts'

const STREAMS = 25_000
const STREAMS_PER_MESSAGE = 250
const HEADER_LENGTH = 12

/**
 * What the headers of yamux are made of
 */
const WINDOW_UPDATE = 1
const SYN = 1

/**
 * More than libp2p uses itself, and odd as those of a client have to be
 */
const FIRST_STREAM_ID = 100_001

/**
 * Opens many streams at once
 */
function openingFrames (first: number): Uint8Array {
  const frames = new Uint8Array(STREAMS_PER_MESSAGE * HEADER_LENGTH)
  const view = new DataView(frames.buffer)

  for (let i = 0; i < STREAMS_PER_MESSAGE; i++) {
    const offset = i * HEADER_LENGTH

    view.setUint8(offset + 1, WINDOW_UPDATE)
    view.setUint16(offset + 2, SYN)
    view.setUint32(offset + 4, FIRST_STREAM_ID + 2 * (first + i))
  }

  return frames
}

/**
 * Refusing is work as well. The four peers have all that is there for streams without a
 * protocol, a quarter each.
 */
export const refusalStorm: Attack = {
  name: 'refusal-storm',
  what: 'four peers open up to 100,000 streams that are refused',
  attackers: 4,
  duration: 10_000,
  honest: 'stranger',
  manager: { limits: { transient: { streamsInbound: 128 } } },
  bounds: { resident: 128, streams: 160 },
  run: async (target) => {
    const connection = await target.connect(await target.startNode(target.attacker))
    const muxer = muxerOf(connection)

    await target.repeat(STREAMS / STREAMS_PER_MESSAGE, 1, async i => {
      muxer.send(openingFrames(i * STREAMS_PER_MESSAGE))
      // until the victim has seen them
      await muxer.ping()
    })
  }
}
