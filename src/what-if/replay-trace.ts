import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { InvalidParametersError } from '@libp2p/interface'
import { invalid } from '../util/validation.ts'
import { readLines } from './read-lines.ts'
import { Replay } from './replay.ts'
import type { ReplayReport } from './replay-report.ts'
import type { PartialLimitConfig } from '../limits/limit-config.ts'

/**
 * How far the reading of a trace has come
 */
export interface ReplayProgress {
  /** How many bytes were read */
  bytes: number

  /** How many bytes there are, where that is known */
  total?: number

  /** How many events were read */
  events: number
}

/**
 * Options of `replayTrace`
 */
export interface ReplayOptions {
  /**
   * The limits to try. Limits that they leave out are those of the recording or, if the trace
   * does not have these, go-libp2p's defaults scaled to this machine. `'unlimited'` refuses
   * nothing.
   *
   * @default {}
   */
  limits?: PartialLimitConfig | 'unlimited'

  /**
   * Is called now and then with how far the reading has come
   *
   * @default nobody is told
   */
  onProgress?(progress: ReplayProgress): void

  /**
   * Ends the reading; the reason of the signal is the error
   *
   * @default undefined
   */
  signal?: AbortSignal
}

/**
 * A file that grows while it is read is read up to its former end
 */
async function openFile (path: string, signal?: AbortSignal): Promise<{ chunks: AsyncIterable<Uint8Array>, total?: number }> {
  const file = await stat(path)

  // a pipe has no size
  return file.isFile()
    ? { chunks: createReadStream(path, { end: Math.max(0, file.size - 1), signal }), total: file.size }
    : { chunks: createReadStream(path, { signal }) }
}

/**
 * Runs a recorded trace, of this package or of go-libp2p, against other limits. The trace may be
 * gzipped, and of any size: memory is bounded by what was open at a time.
 *
 * ```ts
 * const { refused, refusals } = await replayTrace('trace.json.gz', { limits: { system: { streams: 500 } } })
 * ```
 *
 * @param source - the path of a file, or its bytes
 * @param options
 * @throws {InvalidParametersError} naming the option that cannot be used, or saying why it is no
 * trace
 * @throws {Error} What the file system says
 */
export async function replayTrace (source: string | AsyncIterable<Uint8Array>, options: ReplayOptions = {}): Promise<ReplayReport> {
  const { limits = {}, onProgress, signal } = options

  if (typeof source !== 'string' && typeof source?.[Symbol.asyncIterator] !== 'function') {
    throw invalid('source', 'the path of a file, or its bytes as an async iterable', source)
  }

  const replay = new Replay(limits)
  const { chunks, total } = typeof source === 'string' ? await openFile(source, signal) : { chunks: source, total: undefined }

  for await (const lines of readLines(chunks, replay.state)) {
    signal?.throwIfAborted()

    for (const line of lines) {
      replay.line(line)
    }

    onProgress?.({ bytes: replay.state.bytes, total, events: replay.events })
  }

  if (replay.events === 0) {
    throw new InvalidParametersError(`expected a trace, got ${replay.state.bytes === 0 ? 'nothing' : 'no event'}${replay.state.incomplete === undefined ? '' : `: ${replay.state.incomplete}`}`)
  }

  return replay.report()
}
