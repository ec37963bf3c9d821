import { makeConcrete } from './concrete-limits.ts'
import { BLOCK_ALL, LIMIT_FIELDS } from './limit.ts'
import type { ConcreteLimitConfig, NamedKey, ScopeKey } from './limit-config.ts'
import type { Limit, WithSizes } from './limit.ts'

const MiB = 2 ** 20

/**
 * With no more than this, limits keep their base values, in bytes
 */
const BASE_MEMORY = 128 * MiB

/**
 * What is added to the base of a limit for every GiB of memory. Fields that are
 * left out do not grow.
 */
export interface LimitIncrease extends Partial<Omit<Limit, 'fd'>> {
  /**
   * The part of the available file descriptors that may be used, from 0 to 1, if
   * that is more than the base. Not set, or 0: the base.
   */
  fdFraction?: number
}

/**
 * A limit that grows with the memory and the file descriptors there are
 */
export interface ScalingLimit {
  /**
   * The limit with 128 MiB of memory or less. A field that is left out is 0.
   */
  base: Partial<Limit>

  /**
   * What is added for every GiB of memory, and the share of file descriptors
   *
   * @default {}
   */
  increase?: LimitIncrease
}

/**
 * The same as it is written: `memory` may be a size such as `'64MiB'`
 */
export interface ScalingLimitInit {
  /**
   * The limit with 128 MiB of memory or less. A field that is left out is 0.
   */
  base: WithSizes<Partial<Limit>>

  /**
   * What is added for every GiB of memory, and the share of file descriptors
   *
   * @default {}
   */
  increase?: WithSizes<LimitIncrease>
}

/**
 * A limit for every kind of scope. A kind that is left out blocks everything.
 */
export type ScalingLimitConfigInit = { [K in ScopeKey]?: ScalingLimitInit }

/**
 * A limit for every kind of scope, and for those that have a name
 */
export interface ScalingLimits {
  readonly scopes: Readonly<Record<ScopeKey, ScalingLimit>>
  readonly named: Readonly<Record<NamedKey, ReadonlyMap<string, ScalingLimit>>>
}

/**
 * `increase × mebibytes / 1024` without loss, in whole numbers
 */
function grow (increase: number, mebibytes: number): number {
  const product = increase * mebibytes

  if (product <= Number.MAX_SAFE_INTEGER) {
    return Math.floor(product / 1024)
  }

  return Number((BigInt(increase) * BigInt(mebibytes)) >> 10n)
}

/**
 * One limit for an amount of memory and a number of file descriptors
 *
 * @param limit
 * @param memory - in bytes
 * @param fds
 */
export function scaleLimit (limit: ScalingLimit, memory: number, fds: number): Limit {
  return scaleBy(limit, toMebibytes(memory), fds)
}

function toMebibytes (memory: number): number {
  return memory > BASE_MEMORY ? Math.floor(memory / MiB) : 0
}

function scaleBy ({ base, increase = {} }: ScalingLimit, mebibytes: number, fds: number): Limit {
  const scaled: Limit = { ...BLOCK_ALL, ...base }

  for (const field of LIMIT_FIELDS) {
    if (field !== 'fd') {
      const sum = scaled[field] + grow(increase[field] ?? 0, mebibytes)

      scaled[field] = sum > Number.MAX_SAFE_INTEGER ? Infinity : sum
    }
  }

  const { fdFraction = 0 } = increase

  if (fdFraction > 0 && fds > 0) {
    scaled.fd = Math.max(Math.floor(fdFraction * fds), scaled.fd)
  }

  return scaled
}

/**
 * The limits for a given amount of memory, in bytes, and number of file descriptors
 */
export function scale ({ named, scopes }: ScalingLimits, memory: number, fds: number): ConcreteLimitConfig {
  const mebibytes = toMebibytes(memory)

  return makeConcrete(
    key => scaleBy(scopes[key], mebibytes, fds),
    key => {
      const entries: Record<string, Limit> = Object.create(null)

      for (const [name, limit] of named[key]) {
        entries[name] = scaleBy(limit, mebibytes, fds)
      }

      return entries
    }
  )
}
