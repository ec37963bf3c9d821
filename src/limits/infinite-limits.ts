import { makeConcrete } from './concrete-limits.ts'
import { NAMED_KEYS, SCOPE_KEYS } from './limit-config.ts'
import { LIMIT_FIELDS, UNLIMITED } from './limit.ts'
import type { ConcreteLimitConfig } from './limit-config.ts'
import type { Limit } from './limit.ts'

/**
 * Limits under which nothing at all is refused, not even by subnet and rate limits. The
 * operating system still limits open files.
 */
export const InfiniteLimits: ConcreteLimitConfig = makeConcrete(() => UNLIMITED, () => ({}))

function isUnlimited (limit: Limit): boolean {
  return LIMIT_FIELDS.every(field => limit[field] === Infinity)
}

/**
 * True if a configuration refuses nothing, whether it is `InfiniteLimits` or was
 * written by hand
 */
export function isInfinite (config: ConcreteLimitConfig): boolean {
  return SCOPE_KEYS.every(key => isUnlimited(config[key])) &&
    NAMED_KEYS.every(key => Object.values(config[key]).every(isUnlimited))
}
