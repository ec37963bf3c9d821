import { InvalidParametersError } from '@libp2p/interface'
import { buildOn } from '../limits/build-limits.ts'
import { InfiniteLimits } from '../limits/infinite-limits.ts'
import { LIMIT_FIELDS } from '../limits/limit.ts'
import { limitsFromJSON } from '../limits/limits-json.ts'
import { resolveLimits } from '../limits/resolve-limits.ts'
import { graphStat } from '../manager/graph-stat.ts'
import { limitOf } from '../scopes/limit-of.ts'
import { isRecord } from '../util/validation.ts'
import { OwnerInference } from './infer-owners.ts'
import { NamedPeer } from './named-peer.ts'
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
import type { ReplayReport, ReplayedUsage } from './replay-report.ts'
import type { RefusedBy } from './replayed-refusals.ts'
import type { ConcreteLimitConfig, PartialLimitConfig } from '../limits/limit-config.ts'
import type { ConcreteLimiter } from '../limits/limiter.ts'

/**
 * How many lines at the beginning may be no events. With more, it is no trace.
 */
const MAX_FOREIGN_LINES = 100

/**
 * How many events there are between two collections of idle scopes
 */
const COLLECT_EVERY = 4_096

/**
 * Reads a trace once, in bounded memory, and repeats it in a graph with other limits
 */
export class Replay {
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
 * The limits that were in force when a trace was recorded, if it has them. Traces of go-libp2p
 * do not.
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
