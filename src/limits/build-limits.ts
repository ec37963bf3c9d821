import { Problems } from '../util/problems.ts'
import { makeConcrete, validateConcreteLimits, validateLimit, freezeLimit } from './concrete-limits.ts'
import { withText } from './config-text.ts'
import { NAMED_KEYS, SCOPE_KEYS } from './limit-config.ts'
import { LIMIT_FIELDS } from './limit.ts'
import { parseLimits, parseResourceLimits } from './parse-limits.ts'
import { TYPESCRIPT } from './spelling.ts'
import type { ConcreteLimitConfig, NamedKey, PartialLimitConfig, ScopeKey } from './limit-config.ts'
import type { Limit, LimitValue, ParsedLimits, ResourceLimits } from './limit.ts'

/**
 * Where a named entry gets what it leaves out
 */
export const DEFAULT_KEYS = {
  service: 'serviceDefault',
  servicePeer: 'servicePeerDefault',
  protocol: 'protocolDefault',
  protocolPeer: 'protocolPeerDefault',
  peer: 'peerDefault'
} as const satisfies Record<NamedKey, ScopeKey>

function resolveValue (value: LimitValue | undefined, base: number): number {
  switch (value) {
    case undefined:
    case 'default':
      return base
    case 'unlimited':
      return Infinity
    case 'blockAll':
      return 0
    default:
      return value
  }
}

/**
 * Limits that were read, with what they leave out from others
 */
export function resolveParsed (limits: ParsedLimits = {}, base: Limit): Limit {
  const resolved = { ...base }

  for (const field of LIMIT_FIELDS) {
    resolved[field] = resolveValue(limits[field], base[field])
  }

  return freezeLimit(resolved)
}

/**
 * Resolves the limits of one scope: what is left out or is `'default'` is taken
 * from `base`
 *
 * @param limits - as they are written in a configuration
 * @param base - what it is built on, a valid limit
 * @param path - what the paths in the message begin with
 * @returns a limit that cannot be changed
 * @throws {InvalidParametersError} listing every problem with its path
 */
export function resolveLimit (limits: ResourceLimits, base: Limit, path = 'limit'): Limit {
  return resolveParsed(parseLimit(limits, path), base)
}

/**
 * Reads the limits of one scope, without those that are `'default'`
 *
 * @throws {InvalidParametersError} listing every problem with its path
 */
export function parseLimit (limits: ResourceLimits, path = 'limit'): ParsedLimits {
  const problems = new Problems('invalid limit')
  const parsed = parseResourceLimits(limits ?? null, path, TYPESCRIPT, problems)

  problems.throwIfAny()

  return parsed
}

/**
 * Fills the gaps in the limits of one scope: `build` for a single one
 *
 * @returns a limit that cannot be changed
 * @throws {InvalidParametersError} listing every problem with its path
 */
export function buildLimit (limits: ResourceLimits, defaults: Limit): Limit {
  return resolveLimit(limits, validateLimit(defaults, 'defaults'))
}

/**
 * Combines the limits of one scope with others: what `limits` leaves out is taken from
 * `other`. It is `apply` for a single one.
 *
 * @throws {InvalidParametersError} listing every problem with its path
 */
export function applyLimit (limits: ResourceLimits, other: ResourceLimits): ResourceLimits {
  return { ...parseLimit(other, 'other'), ...parseLimit(limits) }
}

/**
 * Whether the limits of one scope leave everything to the defaults
 *
 * @throws {InvalidParametersError} listing every problem with its path
 */
export function isDefaultLimit (limits: ResourceLimits): boolean {
  return Object.values(parseLimit(limits)).every(value => value === undefined)
}

/**
 * Fills the gaps of a partial configuration. A named entry takes what it leaves
 * out from the same entry of the defaults, and if they have none, from the
 * default of its kind that has just been built.
 *
 * @returns a configuration that cannot be changed
 * @throws {InvalidParametersError} listing every problem with its path
 */
export function build (partial: PartialLimitConfig, defaults: ConcreteLimitConfig): ConcreteLimitConfig {
  return buildOn(validateConcreteLimits(defaults, 'defaults'), partial)
}

/**
 * The same, on defaults that are known to be valid
 *
 * @throws {InvalidParametersError} listing every problem with its path
 */
export function buildOn (base: ConcreteLimitConfig, partial: PartialLimitConfig): ConcreteLimitConfig {
  const limits = parseLimits(partial)
  const scope = (key: ScopeKey): Limit => resolveParsed(limits[key], base[key])

  return makeConcrete(scope, (key) => {
    const entries: Record<string, Limit> = Object.assign(Object.create(null), base[key])

    for (const [name, entry] of Object.entries(limits[key] ?? {})) {
      entries[name] = resolveParsed(entry, entries[name] ?? scope(DEFAULT_KEYS[key]))
    }

    return entries
  })
}

/**
 * Combines two partial configurations: what is set in `partial` wins, and what
 * it leaves out is taken from `other`. A named entry that only `partial` has
 * takes what it leaves out from the combined default of its kind.
 *
 * @returns a new configuration
 * @throws {InvalidParametersError} listing every problem with its path
 */
export function apply (partial: PartialLimitConfig, other: PartialLimitConfig): PartialLimitConfig {
  const limits = parseLimits(partial)
  const fallback = parseLimits(other)

  for (const key of SCOPE_KEYS) {
    if (fallback[key] != null) {
      limits[key] = { ...fallback[key], ...limits[key] }
    }
  }

  for (const key of NAMED_KEYS) {
    const own = limits[key] ?? {}
    const others: Record<string, ParsedLimits> = fallback[key] ?? Object.create(null)
    const entries: Record<string, ParsedLimits> = Object.assign(Object.create(null), others)

    for (const [name, entry] of Object.entries(own)) {
      entries[name] = { ...(others[name] ?? limits[DEFAULT_KEYS[key]]), ...entry }
    }

    if (Object.keys(entries).length > 0) {
      limits[key] = entries
    }
  }

  return withText(limits)
}

/**
 * Writes a concrete configuration as a partial one that leaves nothing out:
 * whatever it is built on, the result is the same
 *
 * @throws {InvalidParametersError} listing every problem with its path
 */
export function toPartialLimitConfig (concrete: ConcreteLimitConfig): PartialLimitConfig {
  return withText(parseLimits(validateConcreteLimits(concrete)))
}
