import { createGunzip } from 'node:zlib'
import { InvalidParametersError } from '@libp2p/interface'

/**
 * Longer lines are skipped, in characters. An event has some hundred; the first one, with all
 * limits, may have very many.
 */
const MAX_LINE = 4 * 2 ** 20

/**
 * A gzip file of events is about a twentieth of its content. A file that grows more than this
 * many times, after some MiB, was made to keep readers busy.
 */
const MAX_RATIO = 400
const RATIO_FROM = 8 * 2 ** 20

/**
 * What is known of the input that was read
 */
export interface InputState {
  /** How many bytes were read */
  bytes: number

  /** How many lines were too long to be read */
  skipped: number

  /** Why not all of the input could be read, if so */
  incomplete?: string
}

/**
 * The lines of text that may be gzipped, in bounded memory. Damaged input, and input that ends
 * in the middle, as that of a killed process, is read up to there; the state says so.
 *
 * @throws {InvalidParametersError} for a file that is made to be large when it is unpacked
 */
export async function * readLines (chunks: AsyncIterable<Uint8Array>, state: InputState): AsyncGenerator<string[]> {
  const decoder = new TextDecoder()
  let rest = ''
  let isSkipping = false

  for await (const bytes of unpack(chunks, state)) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n')

    rest = lines.pop() as string

    if (isSkipping && lines.length > 0) {
      // the end of a line that was too long
      lines.shift()
      isSkipping = false
    }

    if (rest.length > MAX_LINE || isSkipping) {
      state.skipped += isSkipping ? 0 : 1
      isSkipping = true
      rest = ''
    }

    yield lines
  }

  if (rest !== '' && !isSkipping) {
    yield [rest]
  }
}

async function * counted (chunks: AsyncIterable<Uint8Array>, state: InputState): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    state.bytes += chunk.byteLength

    if (chunk.byteLength > 0) {
      yield chunk
    }
  }
}

async function * unpack (chunks: AsyncIterable<Uint8Array>, state: InputState): AsyncGenerator<Uint8Array> {
  const input = counted(chunks, state)
  const first = await input.next()

  if (first.done === true) {
    return
  }

  let beginning = first.value

  // a pipe may give single bytes
  if (beginning.byteLength === 1) {
    const second = await input.next()

    beginning = second.done === true ? beginning : Buffer.concat([beginning, second.value])
  }

  if (beginning[0] === 0x1f && beginning[1] === 0x8b) {
    yield * gunzip(beginning, input, state)
  } else {
    yield beginning
    yield * input
  }
}

async function * gunzip (first: Uint8Array, input: AsyncGenerator<Uint8Array>, state: InputState): AsyncGenerator<Uint8Array> {
  const unzip = createGunzip()
  const turns = new Turns()
  let unpacked: Uint8Array[] = []
  let error: any
  let size = 0

  unzip.on('data', (bytes: Uint8Array) => {
    size += bytes.byteLength
    unpacked.push(bytes)
  })
  unzip.on('error', (err) => { error = err })
  // what is damaged ends a write without an answer
  unzip.on('close', turns.end)

  const take = (): Uint8Array[] => {
    const taken = unpacked

    unpacked = []

    if (size > RATIO_FROM && size > MAX_RATIO * state.bytes) {
      throw new InvalidParametersError(`expected a trace, got a gzip file that is more than ${MAX_RATIO} times as large when it is unpacked`)
    }

    return taken
  }

  try {
    for await (const piece of pieces(first, input)) {
      const written = turns.next()

      unzip.write(piece, turns.end)
      await written
      yield * take()

      if (unzip.destroyed) {
        break
      }
    }

    if (!unzip.closed) {
      const ended = turns.next()

      unzip.end()
      await ended
    }

    yield * take()
  } finally {
    unzip.destroy()
  }

  // what was unpacked before has been read
  if (error !== undefined) {
    state.incomplete = error.code === 'Z_BUF_ERROR' ? 'the file ends in the middle' : `the file is damaged after ${state.bytes} bytes (${error.message})`
  }
}

/**
 * Waits for one thing after the other
 */
class Turns {
  #resolve = (): void => {}

  async next (): Promise<void> {
    return new Promise(resolve => { this.#resolve = resolve })
  }

  readonly end = (): void => { this.#resolve() }
}

/**
 * How many bytes are unpacked at once: they become at most a thousand times as many
 */
const PIECE = 4_096

async function * pieces (first: Uint8Array, input: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  for (let chunk: Uint8Array | undefined = first; chunk !== undefined; chunk = await next(input)) {
    for (let start = 0; start < chunk.byteLength; start += PIECE) {
      yield chunk.subarray(start, start + PIECE)
    }
  }
}

async function next (input: AsyncGenerator<Uint8Array>): Promise<Uint8Array | undefined> {
  const { done, value } = await input.next()

  return done === true ? undefined : value
}
