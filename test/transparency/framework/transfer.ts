import { createHash } from 'node:crypto'
import { byteStream, lpStream } from '@libp2p/utils'
import delay from 'delay'
import { pEvent } from 'p-event'
import { KiB, MiB } from './bytes.ts'
import type { Stream } from '@libp2p/interface'

/**
 * The longest message with a length in front of it
 */
const MAX_MESSAGE = 16 * MiB

const PIECE = 64 * KiB

/**
 * How programs send many bytes
 */
export const SENDERS = {
  'in one send()': async (stream: Stream, data: Uint8Array) => {
    stream.send(data)
  },
  'in pieces of 1 MiB': async (stream: Stream, data: Uint8Array) => {
    for (const piece of pieces(data, MiB)) {
      stream.send(piece)
    }
  },
  'in pieces of 1 MiB, with onDrain()': async (stream: Stream, data: Uint8Array) => {
    for (const piece of pieces(data, MiB)) {
      if (!stream.send(piece)) {
        await stream.onDrain()
      }
    }
  },
  'with one write() of byteStream': async (stream: Stream, data: Uint8Array) => {
    await byteStream(stream).write(data)
  },
  'with many write()s of byteStream': async (stream: Stream, data: Uint8Array) => {
    const bytes = byteStream(stream)

    for (const piece of pieces(data, PIECE)) {
      await bytes.write(piece)
    }
  },
  'with one write() of lpStream': async (stream: Stream, data: Uint8Array) => {
    await lpStream(stream, { maxDataLength: MAX_MESSAGE }).write(data)
  }
} satisfies Record<string, (stream: Stream, data: Uint8Array) => Promise<void>>

export type Sending = keyof typeof SENDERS

function * pieces (data: Uint8Array, length: number): Generator<Uint8Array> {
  for (let start = 0; start < data.byteLength; start += length) {
    yield data.subarray(start, start + length)
  }
}

/**
 * How long a slow reader works on each chunk, in ms
 */
const WORK = 5

/**
 * How programs receive many bytes, all of which they hash
 */
export const RECEIVERS = {
  'in a loop': async (stream: Stream) => {
    const hash = createHash('sha256')

    for await (const chunk of stream) {
      hash.update(chunk.subarray())
    }

    return hash.digest()
  },
  'in a loop that works on each chunk': async (stream: Stream) => {
    const hash = createHash('sha256')

    for await (const chunk of stream) {
      hash.update(chunk.subarray())
      await delay(WORK)
    }

    return hash.digest()
  },
  'pausing to work on each chunk': async (stream: Stream) => {
    const hash = createHash('sha256')

    let work: ReturnType<typeof setTimeout> | undefined

    stream.addEventListener('message', ({ data }) => {
      hash.update(data.subarray())
      stream.pause()
      work = setTimeout(() => { stream.resume() }, WORK)
    })
    stream.addEventListener('close', () => { clearTimeout(work) })
    await pEvent(stream, 'end', { rejectionEvents: ['close'] })

    return hash.digest()
  },
  'with a listener': async (stream: Stream) => {
    const hash = createHash('sha256')

    stream.addEventListener('message', ({ data }) => { hash.update(data.subarray()) })
    await pEvent(stream, 'remoteCloseWrite', { rejectionEvents: ['close'] })

    return hash.digest()
  },
  'with byteStream': async (stream: Stream) => {
    // with the 4 MiB that it keeps by default, plain js-libp2p resets a stream that transfers
    // more at once
    const bytes = byteStream(stream, { maxBufferSize: MAX_MESSAGE })
    const hash = createHash('sha256')

    for (let chunk = await bytes.read(); chunk != null; chunk = await bytes.read()) {
      hash.update(chunk.subarray())
    }

    return hash.digest()
  },
  'with lpStream': async (stream: Stream) => {
    const message = await lpStream(stream, { maxDataLength: MAX_MESSAGE, maxBufferSize: MAX_MESSAGE }).read()

    return createHash('sha256').update(message.subarray()).digest()
  }
} satisfies Record<string, (stream: Stream) => Promise<Uint8Array>>

export type Receiving = keyof typeof RECEIVERS
