import { DEFAULT_SCOPE_LIMITS } from './default-scope-limits.ts'
import { ScalingLimitConfig } from './scaling-limit-config.ts'

/**
 * The limits of go-libp2p, field by field. They cannot be changed: to start from
 * them, take a `clone()`.
 */
export const DefaultLimits: ScalingLimitConfig = new ScalingLimitConfig(DEFAULT_SCOPE_LIMITS).freeze()
