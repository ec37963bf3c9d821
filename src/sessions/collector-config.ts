import { checkObject, checkWholeNumber, invalid } from '../admission/validation.ts'
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
 * @throws {InvalidParametersError} If an option cannot be used
 */
export function resolveCollectorConfig (config: CollectorConfig): ResolvedCollectorConfig {
  checkObject('config', config)

  const { maxRxBitrate = 0, maxTxBitrate = 0, maxSessions = 0, limiter = new NullIPLimiter() } = config
  const { sessionTimeout = DEFAULT_SESSION_TIMEOUT, inactiveTimeout = sessionTimeout } = config
  const { persistInterval = DEFAULT_PERSIST_INTERVAL, maxHistory = DEFAULT_MAX_HISTORY } = config

  checkBitrate('config.maxRxBitrate', maxRxBitrate)
  checkBitrate('config.maxTxBitrate', maxTxBitrate)
  checkWholeNumber('config.maxSessions', maxSessions, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
  checkWholeNumber('config.sessionTimeout', sessionTimeout, 1, Number.MAX_SAFE_INTEGER)
  checkWholeNumber('config.inactiveTimeout', inactiveTimeout, 1, Number.MAX_SAFE_INTEGER)
  checkWholeNumber('config.persistInterval', persistInterval, 0, Number.MAX_SAFE_INTEGER)
  checkWholeNumber('config.maxHistory', maxHistory, 0, Number.MAX_SAFE_INTEGER)

  if (typeof limiter?.isAllowed !== 'function') {
    throw invalid('config.limiter', 'an IP limiter', limiter)
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

function checkBitrate (field: string, bitrate: number): void {
  if (!Number.isFinite(bitrate)) {
    throw invalid(field, 'a number of bit/s', bitrate)
  }
}
