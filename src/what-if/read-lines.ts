import { createGunzip } from 'node:zlib'
import { InvalidParametersError } from '@libp2p/interface'

/**
 * Longer lines are skipped, in characters. An event has some hundred; the first one, which has all
 * limits, may have very many of them.
 */
const MAX_LINE = 4 * 2 ** 20

/**
 * A gzip file of events is about a twentieth of what is in it. One that becomes more than this many
 * times as large when it is read, after some MiB, is made to keep readers busy.
 */
const MAX_RATIO = 400
const RATIO_FROM = 64 * 2 ** 20

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
 * The lines of text that may be gzipped, in bounded memory. Input that ends in the middle, as that
 * of a process that was killed, and input that is damaged is read up to there, which is said in
 * the state.
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
  let sourceError: unknown
  let unpacked = 0

  const feed = async (): Promise<void> => {
    try {
      for (let chunk: Uint8Array | undefined = first; chunk !== undefined && !unzip.destroyed; chunk = await next(input)) {
        if (!unzip.write(chunk)) {
          await new Promise<void>(resolve => {
            unzip.once('drain', resolve)
            unzip.once('close', resolve)
          })
        }
      }
    } catch (err) {
      sourceError = err
    }

    unzip.end()
  }

  const feeding = feed()

  try {
    for await (const bytes of unzip) {
      unpacked += bytes.byteLength

      if (unpacked > RATIO_FROM && unpacked > MAX_RATIO * state.bytes) {
        throw new InvalidParametersError(`expected a trace, got a gzip file that is more than ${MAX_RATIO} times as large when it is unpacked`)
      }

      yield bytes
    }
  } catch (err: any) {
    if (typeof err.code !== 'string' || !err.code.startsWith('Z_')) {
      throw err
    }

    // what was unpacked before has been read
    state.incomplete = err.code === 'Z_BUF_ERROR' ? 'the file ends in the middle' : `the file is damaged after ${state.bytes} bytes (${err.message})`
  } finally {
    unzip.destroy()
    await feeding
  }

  if (sourceError !== undefined) {
    throw sourceError
  }
}

async function next (input: AsyncGenerator<Uint8Array>): Promise<Uint8Array | undefined> {
  const { done, value } = await input.next()

  return done === true ? undefined : value
}
