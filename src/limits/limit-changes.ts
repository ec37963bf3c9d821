import { DEFAULT_KEYS } from './build-limits.ts'
import { NAMED_KEYS, SCOPE_KEYS } from './limit-config.ts'
import { LIMIT_FIELDS } from './limit.ts'
import { formatSetting } from './setting.ts'
import type { ConcreteLimitConfig } from './limit-config.ts'
import type { Limit } from './limit.ts'
import type { Logger } from '@libp2p/interface'

/**
 * A limit that has changed
 */
export interface LimitChange {
  /** The setting, as in `ResourceLimitExceededError`, such as `System.ConnsInbound` */
  setting: string

  /** The limit before: a number, or bytes of memory, `Infinity` where there was none */
  from: number

  /** The limit now: a number, or bytes of memory, `Infinity` where there is none */
  to: number
}

/**
 * More are counted only: a line is to be read
 */
const MAX_LISTED = 8

/**
 * The differences between limits. A name without an entry in one of them has the limits for all
 * of its kind there.
 */
export function limitChanges (before: ConcreteLimitConfig, after: ConcreteLimitConfig): LimitChange[] {
  const changes: LimitChange[] = []
  const compare = (path: string[], from: Limit, to: Limit): void => {
    for (const field of LIMIT_FIELDS) {
      if (from[field] !== to[field]) {
        changes.push({ setting: formatSetting(['limits', ...path, field]), from: from[field], to: to[field] })
      }
    }
  }

  for (const key of SCOPE_KEYS) {
    compare([key], before[key], after[key])
  }

  for (const key of NAMED_KEYS) {
    for (const name of new Set([...Object.keys(before[key]), ...Object.keys(after[key])])) {
      compare([key, name], before[key][name] ?? before[DEFAULT_KEYS[key]], after[key][name] ?? after[DEFAULT_KEYS[key]])
    }
  }

  return changes
}

/**
 * Puts the changes into the log, in one line
 *
 * @returns the changes
 */
export function logChanges (log: Logger, before: ConcreteLimitConfig, after: ConcreteLimitConfig): LimitChange[] {
  const changes = limitChanges(before, after)

  if (changes.length > 0) {
    log('limits changed: %s', formatChanges(changes))
  }

  return changes
}

function formatChanges (changes: readonly LimitChange[]): string {
  const listed = changes.slice(0, MAX_LISTED).map(({ setting, from, to }) => `${setting} ${format(from)} → ${format(to)}`)

  return [...listed, ...changes.length > MAX_LISTED ? [`and ${changes.length - MAX_LISTED} more`] : []].join(', ')
}

function format (limit: number): string {
  return limit === Infinity ? 'unlimited' : String(limit)
}
