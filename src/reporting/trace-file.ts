import { writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { ANY, checkDescribed } from '../util/description.ts'
import { invalid } from '../util/validation.ts'
import { traceToJSON } from './trace-json.ts'
import type { TraceEvent, TraceReporter } from './trace-event.ts'
import type { DescriptionOf } from '../util/description.ts'

const compress = promisify(gzip)

/**
 * How often what has been consumed is written, in ms
 */
const FLUSH_INTERVAL = 1_000

/**
 * How many events may wait to be written by default. An event takes about 400 bytes.
 */
const MAX_PENDING = 65_536

/**
 * How many events are turned into text in one go, which takes a few milliseconds
 */
const BATCH_SIZE = 1_024

/**
 * Options of `traceFile`
 */
export interface TraceFileOptions {
  /**
   * How many events may wait to be written. If the disk is slower than the node, further events
   * are dropped and counted.
   *
   * @default 65536
   */
  maxPending?: number
}

const OPTIONS = { maxPending: ANY } as const satisfies DescriptionOf<TraceFileOptions>

/**
 * Writes trace events to a file as gzipped lines of JSON, with the field names of
 * go-libp2p's traces
 */
export interface TraceFile extends TraceReporter {
  /** How many events were dropped because too many were waiting to be written */
  readonly dropped: number

  /**
   * Writes what was consumed until now. The file can then be read up to here, even if
   * the process crashes later. It happens every second by itself.
   *
   * @throws {Error} What the file system says
   */
  flush(): Promise<void>

  /**
   * Writes everything that was consumed until now. Later events are added to the file.
   *
   * @throws {Error} What the file system says
   */
  stop(): Promise<void>
}

class GzippedTraceFile implements TraceFile {
  dropped = 0
  readonly #path: string
  readonly #maxPending: number
  #pending: TraceEvent[] = []

  /**
   * How many events have been taken from `#pending` and are not in the file yet
   */
  #underWay = 0

  /**
   * The first write replaces the content of the file; later ones add to it
   */
  #flag: 'w' | 'a' = 'w'
  #error?: Error
  #timer?: ReturnType<typeof setTimeout>

  /**
   * One thing is written after the other
   */
  #writing: Promise<void> = Promise.resolve()

  constructor (path: string, maxPending: number) {
    this.#path = path
    this.#maxPending = maxPending
  }

  consumeEvent (event: TraceEvent): void {
    if (this.#error != null) {
      this.dropped++
      throw this.#error
    }

    if (this.#pending.length + this.#underWay >= this.#maxPending) {
      this.dropped++
      return
    }

    this.#pending.push(event)
    this.#schedule()
  }

  async flush (): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined

    const done = this.#writing.then(async () => this.#writePending())

    this.#writing = done.catch((err) => {
      // the next event will say so
      this.#error = err
      this.dropped += this.#pending.length
      this.#pending = []
    })

    return done
  }

  async stop (): Promise<void> {
    return this.flush()
  }

  #schedule (): void {
    this.#timer ??= setTimeout(() => { this.flush().catch(() => {}) }, FLUSH_INTERVAL).unref()
  }

  async #writePending (): Promise<void> {
    if (this.#error != null) {
      throw this.#error
    }

    const events = this.#pending

    this.#pending = []
    this.#underWay = events.length

    try {
      for (let start = 0; start < events.length; start += BATCH_SIZE) {
        await this.#append(events.slice(start, start + BATCH_SIZE))
        this.#underWay = Math.max(0, events.length - start - BATCH_SIZE)
      }
    } finally {
      // what could not be written
      this.dropped += this.#underWay
      this.#underWay = 0
    }
  }

  /**
   * Every batch is a gzip member of its own. A gzip file may have any number of them, so the
   * file is complete after each batch.
   */
  async #append (events: TraceEvent[]): Promise<void> {
    const member = await compress(`${events.map(traceToJSON).join('\n')}\n`)

    await writeFile(this.#path, member, { flag: this.#flag })
    this.#flag = 'a'
  }
}

/**
 * Traces to a file, as `gzip -d` or `zcat` can read it. An existing file is replaced.
 *
 * A file that cannot be written is an error in the log of the resource manager, and
 * the end of the trace.
 *
 * ```ts
 * resourceManager({ trace: [traceFile('rcmgr.json.gz')] })
 * ```
 *
 * @throws {InvalidParametersError} naming the argument that is wrong
 */
export function traceFile (path: string, options: TraceFileOptions = {}): TraceFile {
  checkDescribed('options', options, OPTIONS)

  const { maxPending = MAX_PENDING } = options

  if (typeof path !== 'string' || path === '') {
    throw invalid('path', 'the path of a file', path)
  }

  if (!Number.isSafeInteger(maxPending) || maxPending < 1) {
    throw invalid('maxPending', 'a whole number from 1 on', maxPending)
  }

  return new GzippedTraceFile(path, maxPending)
}
