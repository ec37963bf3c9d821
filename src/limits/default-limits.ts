import { DEFAULT_SCOPE_LIMITS } from './default-scope-limits.ts'
import { ScalingLimitConfig } from './scaling-limit-config.ts'
import type { ScaleTarget } from './auto-scale.ts'
import type { ConcreteLimitConfig } from './limit-config.ts'

/**
 * What was scaled from the defaults. None of it can be changed.
 */
const scaled = new WeakSet<ConcreteLimitConfig>()

class Defaults extends ScalingLimitConfig {
  scale (target?: ScaleTarget): ConcreteLimitConfig {
    const config = super.scale(target)

    scaled.add(config)

    return config
  }
}

/**
 * Whether limits are the defaults of a machine of some size, in which nobody has set
 * anything
 */
export function areDefaults (config: ConcreteLimitConfig): boolean {
  return scaled.has(config)
}

/**
 * The limits of go-libp2p, field by field. They cannot be changed: to start from
 * them, take a `clone()`.
 *
 * On a node `DefaultLimits.scale(…)` stands for the defaults of a machine of that size, and
 * is raised to what its connection manager may do like other defaults. To have these numbers
 * exactly, copy them: `{ ...DefaultLimits.scale() }`.
 */
export const DefaultLimits: ScalingLimitConfig = new Defaults(DEFAULT_SCOPE_LIMITS).freeze()
