import { ANY, checkDescribed } from '../util/description.ts'
import { join } from '../util/problems.ts'
import { validateConcreteLimits } from './concrete-limits.ts'
import { NAMED_KEYS, SCOPE_KEYS } from './limit-config.ts'
import { LIMIT_FIELDS } from './limit.ts'
import { formatMemorySize } from './memory-size.ts'
import { parseLimits } from './parse-limits.ts'
import type { ConcreteLimitConfig, PartialLimitConfig } from './limit-config.ts'
import type { Limit, ResourceLimits } from './limit.ts'

/**
 * What the limits are compared with
 */
export interface CheckLimitsOptions {
  /**
   * The number of connections above which the connection manager closes some
   *
   * @default undefined
   */
  maxConnections?: number

  /**
   * For how many inbound connections there is memory
   *
   * @default Infinity
   */
  affordableConnections?: number

  /**
   * The limits that somebody has set. A limit that cannot be reached is not worth a warning if
   * nobody has asked for it.
   *
   * @default all limits
   */
  set?: PartialLimitConfig
}

const OPTIONS = { maxConnections: ANY, affordableConnections: ANY, set: ANY } as const satisfies Record<keyof CheckLimitsOptions, typeof ANY>

/**
 * libp2p's default in Node.js, which nobody has set
 */
const DEFAULT_MAX_CONNECTIONS = 300

/**
 * The limits of one scope that somebody has set
 */
type SetLimits = ResourceLimits | undefined

const DIRECTIONS = [
  ['streamsInbound', 'streams'],
  ['streamsOutbound', 'streams'],
  ['connsInbound', 'conns'],
  ['connsOutbound', 'conns']
] as const satisfies ReadonlyArray<readonly [keyof Limit, keyof Limit]>

function format (field: keyof Limit, value: number): string {
  if (value === Infinity) {
    return 'unlimited'
  }

  return field === 'memory' ? formatMemorySize(value) : String(value)
}

/**
 * A limit of one direction that is above the total
 */
function checkDirections (path: string, limit: Limit, set: SetLimits, warnings: string[]): void {
  for (const [direction, total] of DIRECTIONS) {
    if (limit[direction] > limit[total] && set?.[direction] !== undefined) {
      warnings.push(`${path}.${direction} (${format(direction, limit[direction])}) is above ${path}.${total} (${format(total, limit[total])}), which is reached first`)
    }
  }
}

/**
 * A limit that is above the one of the scope above it. Unlimited does not count: it says that
 * only the scope above matters.
 */
function checkWithin (path: string, limit: Limit, set: SetLimits, outerPath: string, outer: Limit, warnings: string[]): void {
  for (const field of LIMIT_FIELDS) {
    if (limit[field] !== Infinity && limit[field] > outer[field] && set?.[field] !== undefined) {
      warnings.push(`${path}.${field} (${format(field, limit[field])}) is above ${outerPath}.${field} (${format(field, outer[field])}), which is reached first`)
    }
  }
}

/**
 * Finds limits that contradict each other, so that one of them does not have the effect that
 * its author expects:
 *
 * - a limit for one direction above the total
 * - transient limits above those of the system, allowlisted or not
 * - limits of peers above those of the system
 * - a connection manager that would close connections later than new ones are
 * refused, whatever it is that there are too few of: connections, file descriptors or memory
 * - a system that nobody can connect to
 *
 * @returns one warning for each, none for go-libp2p's defaults at any scale
 * @throws {InvalidParametersError} if the configuration is not valid
 */
export function checkLimits (config: ConcreteLimitConfig, options: CheckLimitsOptions = {}): string[] {
  checkDescribed('options', options, OPTIONS)

  const limits = validateConcreteLimits(config)
  const set: PartialLimitConfig = options.set === undefined ? limits : parseLimits(options.set)
  const warnings: string[] = []

  for (const key of SCOPE_KEYS) {
    checkDirections(key, limits[key], set[key], warnings)
  }

  for (const key of NAMED_KEYS) {
    for (const [name, limit] of Object.entries(limits[key])) {
      checkDirections(join(key, name), limit, set[key]?.[name], warnings)
    }
  }

  checkWithin('transient', limits.transient, set.transient, 'system', limits.system, warnings)
  checkWithin('allowlistedTransient', limits.allowlistedTransient, set.allowlistedTransient, 'allowlistedSystem', limits.allowlistedSystem, warnings)
  checkWithin('peerDefault', limits.peerDefault, set.peerDefault, 'system', limits.system, warnings)

  for (const [peer, limit] of Object.entries(limits.peer)) {
    checkWithin(join('peer', peer), limit, set.peer?.[peer], 'system', limits.system, warnings)
  }

  checkConnections(limits.system, options, set.system, warnings)

  return warnings
}

/**
 * The resource that the system has too little of for its connections. Only the one that runs
 * out first.
 */
function checkConnections (system: Limit, { maxConnections = 0, affordableConnections = Infinity }: CheckLimitsOptions, set: SetLimits, warnings: string[]): void {
  const nobody = (['conns', 'connsInbound', 'fd', 'memory'] as const).find(field => system[field] === 0)

  if (nobody != null) {
    warnings.push(`system.${nobody} is 0: nobody can connect to this node`)
    return
  }

  const bounds = [
    {
      most: system.conns,
      setting: set?.conns === undefined ? `maxConnections (${system.conns}) of the resource manager` : `system.conns (${format('conns', system.conns)})`
    },
    {
      most: set?.connsInbound === undefined ? Infinity : system.connsInbound,
      setting: `system.connsInbound (${format('connsInbound', system.connsInbound)})`
    },
    {
      // on a machine with few open files, the first refusal says so
      most: set?.fd === undefined && maxConnections <= DEFAULT_MAX_CONNECTIONS ? Infinity : system.fd,
      setting: `system.fd (${format('fd', system.fd)}; raise the limit of open files, or lower maxConnections)`
    },
    {
      most: affordableConnections,
      setting: `what ${set?.memory === undefined ? 'maxMemory' : 'system.memory'} (${format('memory', system.memory)}) is enough for (${affordableConnections})`
    }
  ]
  const lowest = bounds.reduce((a, b) => b.most < a.most ? b : a)

  if (maxConnections > lowest.most) {
    warnings.push(`the connection manager's maxConnections (${format('conns', maxConnections)}) is above ${lowest.setting}: new connections are refused before it closes any`)
  }
}
