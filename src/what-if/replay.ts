import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { InvalidParametersError } from '@libp2p/interface'
import { buildOn } from '../limits/build-limits.ts'
import { InfiniteLimits } from '../limits/infinite-limits.ts'
import { LIMIT_FIELDS } from '../limits/limit.ts'
import { limitsFromJSON } from '../limits/limits-json.ts'
import { resolveLimits } from '../limits/resolve-limits.ts'
import { graphStat } from '../manager/graph-stat.ts'
import { limitOf } from '../scopes/limit-of.ts'
import { invalid, isRecord } from '../util/validation.ts'
import { OwnerInference } from './infer-owners.ts'
import { NamedPeer } from './named-peer.ts'
import { readLines } from './read-lines.ts'
import { parseEvent } from './recorded-event.ts'
import { refuseAgain } from './recorded-refusal.ts'
import { heldIn, UsageRecorder } from './recorded-usage.ts'
import { RefusalSummary } from './replayed-refusals.ts'
import { TimeLine } from './time-line.ts'
import { TracePlayer } from './trace-player.ts'
import { WhatIfGraph } from './what-if-graph.ts'
import type { InputState } from './read-lines.ts'
import type { RecordedEvent } from './recorded-event.ts'
import type { RecordedUsage } from './recorded-usage.ts'
import type { RefusedBy, ReplayedRefusals } from './replayed-refusals.ts'
import type { ShadowStat } from './shadow.ts'
import type { TimeLinePoint } from './time-line.ts'
import type { ConcreteLimitConfig, PartialLimitConfig } from '../limits/limit-config.ts'
import type { ConcreteLimiter } from '../limits/limiter.ts'

/**
 * How many lines there may be at the beginning that are no events. Then it is no trace.
 */
const MAX_FOREIGN_LINES = 100

/**
 * How many events there are between two collections of idle scopes
 */
const COLLECT_EVERY = 4_096

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
   * The limits to try. What they leave out is as it was when the trace was recorded, or, where
   * that is not in the trace, as in go-libp2p's defaults scaled to this machine. `'unlimited'`
   * refuses nothing.
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
 * How much of a limit was in use
 */
export interface ReplayedUsage extends RecordedUsage {
  /** The limit that was tried: a number, or bytes of memory, `Infinity` where there is none */
  limit: number

  /** The peak in percent of the limit. More than 100 where not all that was held fits. */
  percent: number
}

/**
 * What other limits would have done to what a trace has recorded
 */
export interface ReplayReport {
  /** How many events were read */
  events: number

  /** When the first event was, in ms since 1970 */
  begin: number

  /** When the last event was, in ms since 1970 */
  end: number

  /** How many lines were no events, or too long, and were skipped */
  skipped: number

  /** Why not all of the trace could be read, if so */
  incomplete?: string

  /**
   * Whether the trace says because of which connection or stream a scope has changed. Those of
   * go-libp2p do not: there it is inferred.
   */
  exact: boolean

  /** How many requests were refused when the trace was recorded, by limits of scopes */
  recorded: number

  /** How many of these would not be refused. What would have become of them nobody knows. */
  admitted: number

  /** How many requests would be refused, those included that were refused and still would be */
  refused: number

  /** The same by limit, what refuses most first */
  refusals: ReplayedRefusals[]

  /** What there was of everything, against the limits, the fullest first */
  usage: ReplayedUsage[]

  /** What would be open at the end */
  open: ShadowStat

  /** What there was when */
  timeLine: TimeLinePoint[]

  /** The limits that were tried, with all that they take from elsewhere */
  limits: ConcreteLimitConfig
}

/**
 * Reads a trace once, in bounded memory, and has a graph with other limits do what it says
 */
class Replay {
  readonly state: InputState = { bytes: 0, skipped: 0 }
  events = 0
  readonly #given: PartialLimitConfig | 'unlimited'
  readonly #usage = new UsageRecorder()
  readonly #timeLine = new TimeLine()
  readonly #refusals = new RefusalSummary()
  readonly #owners: OwnerInference
  readonly #graph: WhatIfGraph<string>
  readonly #player: TracePlayer
  #time = 0
  #begin = 0

  // of what does not say who asked
  #recorded = 0
  #admitted = 0

  constructor (limits: PartialLimitConfig | 'unlimited') {
    this.#given = limits
    this.#graph = new WhatIfGraph(this.#build(), refusal => { this.#refused(refusal) })
    this.#graph.graph.idle.stop()
    this.#player = new TracePlayer(this.#graph)
    this.#owners = new OwnerInference((a, b) => { this.#graph.swap(a, b) })
  }

  line (line: string): void {
    if (line.trim() === '') {
      return
    }

    const event = parseEvent(line)

    if (event === undefined) {
      this.state.skipped++

      if (this.events === 0 && this.state.skipped >= MAX_FOREIGN_LINES) {
        throw new InvalidParametersError(`expected a trace, got something else: the first ${MAX_FOREIGN_LINES} lines are no events`)
      }

      return
    }

    this.#consume(event)
  }

  #consume (event: RecordedEvent): void {
    // clocks are set back
    this.#time = Math.max(this.#time, event.time)
    event.time = this.#time

    if (this.events++ === 0) {
      this.#begin = this.#time
    }

    if (event.type === 'start') {
      this.#graph.limits = this.#build(event.limit)
      return
    }

    this.#usage.add(event)
    this.#draw(event)

    if (this.#owners.complete(event)) {
      this.#play(event)
    }

    if (this.events % COLLECT_EVERY === 0) {
      this.#graph.graph.idle.collectAll()
    }
  }

  #play (event: RecordedEvent): void {
    const { scope, type } = event

    if (scope === undefined || !type.startsWith('block_')) {
      this.#player.play(event)
      return
    }

    this.#timeLine.count(this.#time, 'recorded')

    if (this.#owners.exact !== false) {
      this.#player.play(event)
      return
    }

    const refused = refuseAgain(event, scope, this.#limiter)

    this.#recorded++

    if (refused === undefined) {
      this.#admitted++
    } else {
      this.#refused(refused)
    }
  }

  #refused (refusal: RefusedBy): void {
    this.#refusals.add(refusal, this.#time)
    this.#timeLine.count(this.#time, 'refused')
  }

  #draw (event: RecordedEvent): void {
    const { scope, type } = event

    if (scope?.kind === 'system' && !scope.isSpan && !type.startsWith('block_') && !type.endsWith('_scope')) {
      const { conns, memory, streams } = heldIn(event)

      for (const [field, value] of [['conns', conns], ['memory', memory], ['streams', streams]] as const) {
        if (value !== undefined) {
          this.#timeLine.hold(this.#time, field, value)
        }
      }
    }
  }

  #build (recorded?: unknown): ConcreteLimitConfig {
    if (this.#given === 'unlimited') {
      return InfiniteLimits
    }

    return buildOn(recordedLimits(recorded) ?? (resolveLimits() as ConcreteLimiter).config, this.#given)
  }

  get #limiter (): ConcreteLimiter {
    return this.#graph.graph.limiter as ConcreteLimiter
  }

  report (): ReplayReport {
    const { incomplete, skipped } = this.state

    this.#graph.graph.idle.collectAll()
    this.#graph.graph.idle.stop()

    return {
      events: this.events,
      begin: this.#begin,
      end: this.#time,
      skipped,
      incomplete,
      exact: this.#owners.exact !== false,
      recorded: this.#player.recorded + this.#recorded,
      admitted: this.#player.admitted + this.#admitted,
      refused: this.#refusals.count,
      refusals: this.#refusals.list(),
      usage: this.#usage.list().map(usage => this.#withLimit(usage)).sort((a, b) => b.percent - a.percent || b.peak - a.peak),
      open: graphStat(this.#graph.graph),
      timeLine: this.#timeLine.list(),
      limits: this.#graph.limits
    }
  }

  #withLimit (usage: RecordedUsage): ReplayedUsage {
    const key = usage.group ?? usage.scope.slice(usage.scope.indexOf(':') + 1)
    const limit = limitOf(this.#limiter, { kind: usage.kind, key, peer: new NamedPeer(key) })[usage.field]

    return { ...usage, limit, percent: limit === Infinity ? 0 : 100 * usage.peak / limit }
  }
}

/**
 * The limits that were in force when a trace was recorded, if they are in it. Those of go-libp2p
 * are not.
 */
function recordedLimits (limit: unknown): ConcreteLimitConfig | undefined {
  if (!isRecord(limit) || !isRecord(limit.System) || LIMIT_FIELDS.length > Object.keys(limit.System).length) {
    return
  }

  try {
    return buildOn(InfiniteLimits, limitsFromJSON(JSON.stringify(limit)))
  } catch {
    // they are made up, or of a version that nobody knows yet
  }
}

/**
 * A file that is written to while it is read is read up to where it ended before
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
