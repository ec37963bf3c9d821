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
 * What other limits would have done to a recorded trace
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
   * Whether the trace says for which connection or stream a scope has changed. Traces of
   * go-libp2p do not: there it is inferred.
   */
  exact: boolean

  /** How many requests were refused when the trace was recorded, by limits of scopes */
  recorded: number

  /** How many of these would not be refused. Nobody knows what would have become of them. */
  admitted: number

  /** How many requests would be refused, including those that were refused anyway */
  refused: number

  /** The same by limit, the one that refuses most first */
  refusals: ReplayedRefusals[]

  /** The use of everything beside its limit, the fullest first */
  usage: ReplayedUsage[]

  /** What would be open at the end */
  open: ShadowStat

  /** The use over time */
  timeLine: TimeLinePoint[]

  /** The limits that were tried, with all that they take from elsewhere */
  limits: ConcreteLimitConfig
}
