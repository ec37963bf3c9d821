import { Uint8ArrayList } from 'uint8arraylist'
import { below, concat, hugeBytes, randomBytes, randomLength, spoil } from './bytes.ts'
import type { Random } from '../../attacks/framework/random.ts'
import type { MessageStream } from '@libp2p/interface'

/**
 * Up to which write all is in order
 */
const MAX_WRITES_BEFORE = 8

/**
 * How often a write is repeated at most, and how long pieces are split that are sent byte by byte
 */
const MAX_REPEATS = 200
const MAX_PIECES = 300

type Send = (data: Uint8Array) => boolean

/**
 * What is sent instead of a write, from the one on that it has been chosen for
 */
type Spoiler = (data: Uint8Array, send: Send) => void

const SPOILERS: Record<string, (random: Random) => Spoiler> = {
  spoil: random => (data, send) => { send(spoil(random, data)) },
  drop: () => () => {},
  repeat: random => {
    let repeats = below(random, MAX_REPEATS)

    return (data, send) => {
      send(data)

      while (repeats-- > 0) {
        send(data)
      }
    }
  },
  swap: () => {
    let held: Uint8Array | undefined

    return (data, send) => {
      if (held == null) {
        held = data
      } else {
        send(data)
        send(held)
        held = undefined
      }
    }
  },
  insert: random => (data, send) => {
    send(randomBytes(random, randomLength(random)))
    send(data)
  },
  enlarge: random => {
    let done = false

    return (data, send) => {
      send(data)

      if (!done) {
        done = true
        send(hugeBytes(random))
      }
    }
  },
  pieces: () => (data, send) => {
    for (let i = 0; i < Math.min(data.byteLength, MAX_PIECES); i++) {
      send(data.subarray(i, i + 1))
    }

    send(data.subarray(MAX_PIECES))
  },
  join: random => {
    const writes = 2 + below(random, 4)
    let held: Uint8Array[] = []

    return (data, send) => {
      held.push(data)

      if (held.length >= writes) {
        send(concat(...held))
        held = []
      }
    }
  }
}

/**
 * Changes a stream so that what is written to it is in order at first, and spoilt later
 */
export function spoilWrites (stream: MessageStream, random: Random): void {
  const send = stream.send.bind(stream)
  const spoiler = SPOILERS[random.pick(Object.keys(SPOILERS))](random)
  let inOrder = below(random, MAX_WRITES_BEFORE)

  stream.send = (data) => {
    if (inOrder-- > 0) {
      return send(data)
    }

    // some own the bytes that they have sent, and reuse them
    spoiler(Uint8Array.from(data instanceof Uint8ArrayList ? data.subarray() : data as Uint8Array), send)

    return true
  }
}
