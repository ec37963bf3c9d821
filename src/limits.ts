/**
 * @packageDocumentation
 *
 * Tools for limits: go-libp2p's defaults and how they scale, building one configuration on
 * another, reading and writing go-libp2p's and kubo's files, and finding contradictions.
 * They work without a resource manager.
 *
 * @example
 *
 * ```ts
 * import { resourceManager } from 'libp2p-resource-manager'
 * import { DefaultLimits, limitsFromJSON, limitsToString, build } from 'libp2p-resource-manager/limits'
 *
 * const defaults = DefaultLimits.scale({ memory: 2 ** 30, fds: 4096 })
 * const limits = build(limitsFromJSON('{ "System": { "ConnsInbound": 200 } }'), defaults)
 *
 * console.info(limitsToString(limits))
 *
 * resourceManager({ limits })
 * ```
 *
 * @module libp2p-resource-manager/limits
 */

export { apply, applyLimit, build, buildLimit, isDefaultLimit, toPartialLimitConfig } from './limits/build-limits.ts'
export { checkLimits } from './limits/check-limits.ts'
export { DefaultLimits } from './limits/default-limits.ts'
export { limitsToString } from './limits/format-limits.ts'
export { InfiniteLimits } from './limits/infinite-limits.ts'
export { ConcreteLimiter } from './limits/limiter.ts'
export { limitsFromJSON, limitsToJSON } from './limits/limits-json.ts'
export { ScalingLimitConfig } from './limits/scaling-limit-config.ts'
export { setDefaultServiceLimits } from './limits/default-service-limits.ts'

export type { CheckLimitsOptions } from './limits/check-limits.ts'
export type { ConcreteLimitConfig, NamedKey, PartialLimitConfig, ScopeKey } from './limits/limit-config.ts'
export type { Limit, LimitValue, ResourceLimits, WithSizes } from './limits/limit.ts'
export type { Limiter } from './limits/limiter.ts'
export type { ScaleTarget } from './limits/auto-scale.ts'
export type { NoteListener } from './util/problems.ts'
export type { LimitsFileOptions } from './limits/parse-file.ts'
export type { LimitIncrease, ScalingLimit, ScalingLimitConfigInit, ScalingLimitInit } from './limits/scale.ts'
