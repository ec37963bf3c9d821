import { ANY } from '../util/description.ts'
import { checkObject, checkWholeNumber, invalid } from '../util/validation.ts'
import { readBitrate } from './bitrate.ts'
import { NullIPLimiter } from './ip-limiter.ts'
import type { CollectorConfig } from './collector.ts'
import type { DescriptionOf } from '../util/description.ts'

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
