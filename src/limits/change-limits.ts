import { InvalidParametersError } from '@libp2p/interface'
import { buildOn } from './build-limits.ts'
import { isConcreteLimitConfig } from './concrete-limits.ts'
import { NAMED_KEYS, SCOPE_KEYS } from './limit-config.ts'
import { ConcreteLimiter, isPlain, isLimiter } from './limiter.ts'
import { parseLimits } from './parse-limits.ts'
import { resolveLimits } from './resolve-limits.ts'
import type { NodeDemand } from './fit-to-node.ts'
import type { ConcreteLimitConfig, ParsedLimitConfig, PartialLimitConfig } from './limit-config.ts'
import type { Limiter } from './limiter.ts'
import type { LimitsInit, Presets } from './resolve-limits.ts'

/**
 * True for limits that leave nothing to be taken from others
 */
export function isWhole (limits: LimitsInit['limits']): limits is ConcreteLimitConfig | Limiter {
  return isConcreteLimitConfig(limits) || isLimiter(limits)
}

/**
 * Makes a limiter out of new limits, on top of those that the manager was made with
 *
 * @param given - what there was in the beginning: limits that leave nothing out as a limiter
 * @param limits - what is set now, which wins. Whole ones take the place of all others.
 * @param presets - left out where there are no such options
 * @param demand - what the node may do, where there is one
 * @throws {InvalidParametersError} listing every problem with its path
 */
export function changeLimits (given: LimitsInit, limits: NonNullable<LimitsInit['limits']>, presets?: Presets, demand?: NodeDemand): Limiter {
  if (isWhole(limits)) {
    return resolveLimits({ limits }, presets, demand)
  }

  const base = given.limits ?? {}

  if (isPlain(base)) {
    return new ConcreteLimiter(buildOn(base.config, limits))
  }

  if (isWhole(base)) {
    throw new InvalidParametersError('limits: expected a limiter or a configuration that leaves nothing out, as a limiter that computes limits has no others to build on (or say { replace: true } to build on the defaults)')
  }

  return resolveLimits({ ...given, limits: merge(base, limits) }, presets, demand)
}

/**
 * Both together; where they differ, the second one counts
 */
function merge (base: PartialLimitConfig, over: PartialLimitConfig): ParsedLimitConfig {
  const merged = parseLimits(base)
  const limits = parseLimits(over)

  for (const key of SCOPE_KEYS) {
    merged[key] = { ...merged[key], ...limits[key] }
  }

  for (const key of NAMED_KEYS) {
    const entries: NonNullable<ParsedLimitConfig[typeof key]> = Object.assign(Object.create(null), merged[key])

    for (const [name, entry] of Object.entries(limits[key] ?? {})) {
      entries[name] = { ...entries[name], ...entry }
    }

    // without a prototype it would not look like an object with limits
    merged[key] = entries
  }

  return merged
}
