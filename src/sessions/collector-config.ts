import { checkObject, checkWholeNumber, invalid } from '../validation.ts'
import { NullIPLimiter } from './ip-limiter.ts'
import type { CollectorConfig } from './collector.ts'

/**
 * How long active sessions are kept without any bytes, in ms
 */
const DEFAULT_SESSION_TIMEOUT = 5_000

/**
 * How often the history is written at most, in ms: what a crash may lose
 */
const DEFAULT_PERSIST_INTERVAL = 60_000

/**
 * With names of 150 characters in each entry this is less than 1 MB of memory and
 * 400 kB in the datastore, and writing it holds the event loop for about a millisecond
 */
const DEFAULT_MAX_HISTORY = 2_048

/**
 * A configuration with nothing left open, in which 0 means that there is no limit
 */
export type ResolvedCollectorConfig = Readonly<Required<CollectorConfig>>

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

  checkBitrate(`${field}.maxRxBitrate`, maxRxBitrate)
  checkBitrate(`${field}.maxTxBitrate`, maxTxBitrate)
  checkWholeNumber(`${field}.maxSessions`, maxSessions, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
  checkWholeNumber(`${field}.sessionTimeout`, sessionTimeout, 1, Number.MAX_SAFE_INTEGER)
  checkWholeNumber(`${field}.inactiveTimeout`, inactiveTimeout, 1, Number.MAX_SAFE_INTEGER)
  checkWholeNumber(`${field}.persistInterval`, persistInterval, 0, Number.MAX_SAFE_INTEGER)
  checkWholeNumber(`${field}.maxHistory`, maxHistory, 0, Number.MAX_SAFE_INTEGER)

  if (typeof limiter?.isAllowed !== 'function') {
    throw invalid(`${field}.limiter`, 'an IP limiter', limiter)
  }

  return {
    maxRxBitrate: Math.max(0, maxRxBitrate),
    maxTxBitrate: Math.max(0, maxTxBitrate),
    maxSessions: Math.max(0, maxSessions),
    limiter,
    sessionTimeout,
    inactiveTimeout,
    persistInterval,
    maxHistory
  }
}

export function checkBitrate (field: string, bitrate: number): void {
  if (!Number.isFinite(bitrate)) {
    throw invalid(field, 'a number of bit/s', bitrate)
  }
}
