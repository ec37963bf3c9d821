import { makeConcrete } from './concrete-limits.ts'
import { UNLIMITED } from './limit.ts'
import type { ConcreteLimitConfig } from './limit-config.ts'

/**
 * Limits under which nothing at all is refused, by subnet and rate limits
 * neither. The operating system still limits open files.
 */
export const InfiniteLimits: ConcreteLimitConfig = makeConcrete(() => UNLIMITED, () => ({}))
