import { InvalidParametersError } from '@libp2p/interface'
import { build } from './build-limits.ts'
import { checkedLimiter, isLimiter } from './checked-limiter.ts'
import { isConcreteLimitConfig, validateConcreteLimits } from './concrete-limits.ts'
import { deriveLimits } from './derive-limits.ts'
import { ConcreteLimiter } from './limiter.ts'
import type { LimitKnobs } from './derive-limits.ts'
import type { ConcreteLimitConfig, PartialLimitConfig } from './limit-config.ts'
import type { Limiter } from './limiter.ts'

/**
 * How the limits of a resource manager are given
 */
export interface LimitsInit extends LimitKnobs {
  /**
   * - a partial configuration: what it leaves out comes from the profile, from
   * `maxMemory` and `maxConnections`, and otherwise from go-libp2p's defaults
   * scaled to this machine, with limits for the well-known services
   * - a concrete configuration, which is used as it is
   * - a `Limiter`, which is asked whenever a scope is created
   *
   * A profile, `maxMemory` or `maxConnections` together with one of the last two
   * would have no effect, and is refused.
   *
   * @default {}
   */
  limits?: PartialLimitConfig | ConcreteLimitConfig | Limiter
}

const KNOBS = ['profile', 'maxMemory', 'maxConnections'] as const

function refuseKnobs (init: LimitsInit, what: string): void {
  const set = KNOBS.filter(knob => init[knob] !== undefined)

  if (set.length > 0) {
    throw new InvalidParametersError(`${set.join(', ')}: expected to be left out with limits that are ${what}, which leaves nothing to derive`)
  }
}

/**
 * Makes a limiter out of what a user has given
 *
 * @throws {InvalidParametersError} listing every problem with its path, or naming
 * the options that contradict each other
 */
export function resolveLimits (init: LimitsInit = {}): Limiter {
  const { limits = {} } = init

  if (limits instanceof ConcreteLimiter || isConcreteLimitConfig(limits)) {
    refuseKnobs(init, 'a concrete configuration')

    return new ConcreteLimiter(validateConcreteLimits(limits instanceof ConcreteLimiter ? limits.config : limits))
  }

  if (isLimiter(limits)) {
    refuseKnobs(init, 'a limiter')

    return checkedLimiter(limits)
  }

  return new ConcreteLimiter(build(limits, deriveLimits(init)))
}
