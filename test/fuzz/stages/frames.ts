import { below, chance, concat, disorder, oddLength, oddVarint, randomBytes, randomLength, varint } from '../framework/bytes.ts'
import { multistreamMessages } from './multistream.ts'
import type { Random } from '../../attacks/framework/random.ts'

/**
 * Up to this many frames at a time
 */
const MAX_FRAMES = 100

const STREAM_IDS = [0, 1, 2, 3, 4, 5, 7, 9, 11, 1001, 0x7fffffff, 0x80000001, 0xffffffff]

function payloadOf (random: Random): Uint8Array {
  return chance(random, 0.6) ? concat(...multistreamMessages(random)).subarray(0, 100_000) : randomBytes(random, randomLength(random))
}

/**
 * https://github.com/libp2p/specs/blob/master/yamux/README.md
 */
function yamuxFrame (random: Random): Uint8Array {
  const header = new DataView(new ArrayBuffer(12))
  const type = chance(random, 0.95) ? below(random, 4) : below(random, 256)
  const payload = type === 0 ? payloadOf(random) : new Uint8Array()

  header.setUint8(0, chance(random, 0.97) ? 0 : below(random, 256))
  header.setUint8(1, type)
  header.setUint16(2, chance(random, 0.9) ? below(random, 16) : below(random, 0x10000))
  header.setUint32(4, random.pick(STREAM_IDS))
  header.setUint32(8, type === 0 && chance(random, 0.85) ? payload.byteLength : oddLength(random))

  return concat(new Uint8Array(header.buffer), payload)
}

/**
 * https://github.com/libp2p/specs/blob/master/mplex/README.md
 */
function mplexFrame (random: Random): Uint8Array {
  const payload = payloadOf(random)
  const id = chance(random, 0.9) ? random.pick(STREAM_IDS.slice(0, 8)) : oddLength(random)

  return concat(
    chance(random, 0.95) ? varint(id * 8 + below(random, 8)) : oddVarint(random),
    chance(random, 0.9) ? varint(payload.byteLength) : oddVarint(random),
    payload
  )
}

/**
 * Frames of a muxer that nobody would send, and some that one could
 */
export function muxerFrames (random: Random, muxer: 'yamux' | 'mplex'): Uint8Array[] {
  const make = muxer === 'yamux' ? yamuxFrame : mplexFrame
  const frames = Array.from({ length: 1 + below(random, MAX_FRAMES) }, () => make(random))

  return chance(random, 0.8) ? frames : disorder(random, frames)
}
