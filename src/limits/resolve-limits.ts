/**
 * What the limits of a resource manager are.
 *
 * In: the options `limits`, `profile`, `maxMemory` and `maxConnections`; what the machine has; what
 * the node is configured to hold.
 * Out: a `Limiter`, which answers with the limit of each scope.
 * Fails: an `InvalidParametersError` that lists every problem: where, what was found, what was
 * expected, and what was probably meant.
 * Costs: once, when the manager is made. After that each scope asks once, when it is created.
 */

import { invalid } from '../util/validation.ts'
import { areDefaults } from './are-defaults.ts'
import { autoScaleTarget } from './auto-scale.ts'
import { availableResources } from './available-resources.ts'
import { buildOn } from './build-limits.ts'
import { isConcreteLimitConfig } from './concrete-limits.ts'
import { fitToNode } from './fit-to-node.ts'
import { followHandlers } from './follow-handlers.ts'
import { InfiniteLimits } from './infinite-limits.ts'
import { ConcreteLimiter, isPlain, checkedLimiter, isLimiter } from './limiter.ts'
import { parseLimits } from './parse-limits.ts'
import { scaledDefaults } from './scaled-defaults.ts'
import type { LimitKnobs } from './derive-limits.ts'
import type { NodeDemand } from './fit-to-node.ts'
import type { ConcreteLimitConfig, ParsedLimitConfig, PartialLimitConfig } from './limit-config.ts'
import type { Limiter } from './limiter.ts'

/**
 * How the limits of a resource manager are given
 */
export interface LimitsInit extends LimitKnobs {
  /**
   * The limits of scopes, as one of:
   *
   * - a partial configuration: what it leaves out comes from the profile, from
   * `maxMemory` and `maxConnections`, and otherwise from go-libp2p's defaults
   * scaled to this machine, with limits for the well-known services
   * - a concrete configuration, which is used as it is
   * - a `Limiter`, which is asked once for each scope, when it is created
   *
   * A profile, `maxMemory` or `maxConnections` together with one of the last two
   * would have no effect, and is refused.
   *
   * @default {}
   */
  limits?: PartialLimitConfig | ConcreteLimitConfig | Limiter
}

/**
 * Makes limits out of the options that stand for many
 */
export interface Presets {
  /**
   * The limits that a partial configuration is built on
   */
  deriveLimits(knobs: LimitKnobs): ConcreteLimitConfig

  /**
   * @throws {InvalidParametersError} If one of these options is set
   */
  refuseKnobs(knobs: LimitKnobs, what: string): void
}

/**
 * Makes a limiter out of the options of a user
 *
 * @param init
 * @param presets - left out where there are no such options
 * @param demand - what the node may do, if the limits are for one. Limits that nobody has set
 * are raised to that.
 * @throws {InvalidParametersError} listing every problem with its path, or naming
 * the options that contradict each other
 */
export function resolveLimits (init: LimitsInit = {}, presets?: Presets, demand?: NodeDemand): Limiter {
  const { limits = {} } = init

  const config = isPlain(limits) ? limits.config : limits

  if (isConcreteLimitConfig(config)) {
    presets?.refuseKnobs(init, 'a concrete configuration')

    if (demand != null && areDefaults(config)) {
      return new ConcreteLimiter(fitAll(config, {}, demand, false))
    }

    // which leaves nothing out, so it does not matter what it is built on
    return new ConcreteLimiter(buildOn(InfiniteLimits, config))
  }

  if (config !== limits) {
    throw invalid('limits', 'a limiter with a concrete configuration', config)
  }

  if (isLimiter(limits)) {
    presets?.refuseKnobs(init, 'a limiter')

    return checkedLimiter(limits)
  }

  const defaults = presets?.deriveLimits(init) ?? scaledDefaults(autoScaleTarget(availableResources()))
  const set = parseLimits(limits)

  return new ConcreteLimiter(buildOn(demand == null ? defaults : fitAll(defaults, set, demand, init.maxConnections !== undefined), set))
}

function fitAll (defaults: ConcreteLimitConfig, set: ParsedLimitConfig, demand: NodeDemand, isSet: boolean): ConcreteLimitConfig {
  return followHandlers(fitToNode(defaults, demand, isSet), set, demand.handlers ?? new Map())
}
