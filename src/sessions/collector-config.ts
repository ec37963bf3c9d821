import { ANY } from '../util/description.ts'
import { checkObject, checkWholeNumber, invalid } from '../util/validation.ts'
import { readBitrate } from './bitrate.ts'
import { NullIPLimiter } from './ip-limiter.ts'
import type { Bitrate } from './bitrate.ts'
import type { IPFilter } from './ip-limiter.ts'
import type { DescriptionOf } from '../util/description.ts'

/**
 * What a collector counts, for how long it keeps that, and its limits
 */
export interface CollectorConfig {
  /**
   * Above this average of the last ten seconds `isIngressBitrateExceeded` answers `true`:
   * bit/s, or a text such as `'10MB/s'`. `'unlimited'`, and a value of 0 or less, mean no
   * limit.
   *
   * @default 0
   */
  maxRxBitrate?: Bitrate

  /**
   * Above this average of the last ten seconds `isEgressBitrateExceeded` answers `true`:
   * bit/s, or a text such as `'10MB/s'`. `'unlimited'`, and a value of 0 or less, mean no
   * limit.
   *
   * @default 0
   */
  maxTxBitrate?: Bitrate

  /**
   * How many sessions there may be, pending and active ones together, until
   * `isSessionsExceeded` answers `true`. `'unlimited'`, and a value of 0 or less, mean no
   * limit.
   *
   * @default 0
   */
  maxSessions?: number | 'unlimited'

  /**
   * What `isCollectableIP` asks
   *
   * @default new NullIPLimiter()
   */
  limiter?: IPFilter

  /**
   * How long a session is kept that has not been activated, in ms. It is rounded up to whole
   * seconds, and may take one more, because sessions are checked once a second.
   *
   * @default the `sessionTimeout`
   */
  inactiveTimeout?: number

  /**
   * How long an active session is kept without any bytes, in ms. It is rounded up to whole
   * seconds, and may take one more, because sessions are checked once a second.
   *
   * @default 5_000
   */
  sessionTimeout?: number

  /**
   * How often the history is written at most, in ms rounded up to whole seconds, if
   * the registry of the collector has a datastore. Nothing is written unless there is
   * something new. 0 means that it is only written when the collector is unregistered
   * or the registry is stopped.
   *
   * @default 60_000
   */
  persistInterval?: number

  /**
   * How many peers, how many locations, how many references and how many combinations of
   * them the history tells apart. Remote peers could make up new ones for ever: the ones
   * that were not used for the longest time give way. Combinations leave the sums of
   * their peer, location and reference behind, and these become part of `other`. How many
   * have given way is in the summary.
   *
   * @default 2_048
   */
  maxHistory?: number
}

/**
 * How long active sessions are kept without any bytes, in ms
 */
const DEFAULT_SESSION_TIMEOUT = 5_000

/**
 * How often the history is written at most, in ms: what a crash may lose
 */
const DEFAULT_PERSIST_INTERVAL = 60_000

/**
 * With names of 150 characters in each combination this is 2 MB of memory and about 350 kB
 * in the datastore, twice as much where all that has given way was of other names, and
 * writing it holds the event loop for a few milliseconds
 */
const DEFAULT_MAX_HISTORY = 2_048

/**
 * Which options a collector has
 */
export const COLLECTOR_OPTIONS = {
  maxRxBitrate: ANY,
  maxTxBitrate: ANY,
  maxSessions: ANY,
  limiter: ANY,
  inactiveTimeout: ANY,
  sessionTimeout: ANY,
  persistInterval: ANY,
  maxHistory: ANY
} as const satisfies DescriptionOf<CollectorConfig>

/**
 * A configuration with nothing left open, in which 0 means that there is no limit
 */
export type ResolvedCollectorConfig = Readonly<Required<CollectorConfig> & Record<'maxRxBitrate' | 'maxTxBitrate' | 'maxSessions', number>>

function readCount (field: string, count: number | 'unlimited'): number {
  if (count === 'unlimited') {
    return 0
  }

  checkWholeNumber(field, count, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)

  return Math.max(0, count)
}

/**
 * @param config
 * @param field - how errors call the configuration
 * @throws {InvalidParametersError} If an option cannot be used
 */
export function resolveCollectorConfig (config: CollectorConfig, field: string = 'config'): ResolvedCollectorConfig {
  checkObject(field, config)

  const { maxRxBitrate = 0, maxTxBitrate = 0, maxSessions = 0, limiter = new NullIPLimiter() } = config
  const { sessionTimeout = DEFAULT_SESSION_TIMEOUT, inactiveTimeout = sessionTimeout } = config
  const { persistInterval = DEFAULT_PERSIST_INTERVAL, maxHistory = DEFAULT_MAX_HISTORY } = config

  const limits = {
    maxRxBitrate: readBitrate(`${field}.maxRxBitrate`, maxRxBitrate),
    maxTxBitrate: readBitrate(`${field}.maxTxBitrate`, maxTxBitrate),
    maxSessions: readCount(`${field}.maxSessions`, maxSessions)
  }

  checkWholeNumber(`${field}.sessionTimeout`, sessionTimeout, 1, Number.MAX_SAFE_INTEGER)
  checkWholeNumber(`${field}.inactiveTimeout`, inactiveTimeout, 1, Number.MAX_SAFE_INTEGER)
  checkWholeNumber(`${field}.persistInterval`, persistInterval, 0, Number.MAX_SAFE_INTEGER)
  checkWholeNumber(`${field}.maxHistory`, maxHistory, 0, Number.MAX_SAFE_INTEGER)

  if (typeof limiter?.isAllowed !== 'function') {
    throw invalid(`${field}.limiter`, 'an IP limiter', limiter)
  }

  return {
    ...limits,
    limiter,
    sessionTimeout,
    inactiveTimeout,
    persistInterval,
    maxHistory
  }
}
