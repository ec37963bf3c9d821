import type { RecordedUsage } from './recorded-usage.ts'
import type { ReplayedRefusals } from './replayed-refusals.ts'
import type { ShadowStat } from './shadow.ts'
import type { TimeLinePoint } from './time-line.ts'
import type { ConcreteLimitConfig } from '../limits/limit-config.ts'

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
