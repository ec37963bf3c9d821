import { markDefaults } from './are-defaults.ts'
import { DEFAULT_SCOPE_LIMITS } from './default-scope-limits.ts'
import { ScalingLimitConfig } from './scaling-limit-config.ts'
import type { ScaleTarget } from './auto-scale.ts'
import type { ConcreteLimitConfig } from './limit-config.ts'
import type { MemorySize } from './memory-size.ts'

class Defaults extends ScalingLimitConfig {
  scale (target?: ScaleTarget): ConcreteLimitConfig
  scale (memory: MemorySize, fds?: number): ConcreteLimitConfig
  scale (target: any, fds?: number): ConcreteLimitConfig {
    const config = super.scale(target, fds)

    markDefaults(config)

    return config
  }
}

/**
 * The limits of go-libp2p, field by field. They cannot be changed: to start from
 * them, take a `clone()`.
 *
 * On a node, `DefaultLimits.scale(…)` stands for the defaults of a machine of that size. Like
 * other defaults, it is raised to what the connection manager allows. To use exactly these
 * numbers, copy them: `{ ...DefaultLimits.scale() }`.
 */
export const DefaultLimits: ScalingLimitConfig = new Defaults(DEFAULT_SCOPE_LIMITS).freeze()
