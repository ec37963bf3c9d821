import { nodeDemand } from '../libp2p/node-demand.ts'
import { deriveLimits, refuseKnobs } from '../limits/derive-limits.ts'
import { NAMED_KEYS, SCOPE_KEYS } from '../limits/limit-config.ts'
import { LIMIT_FIELDS } from '../limits/limit.ts'
import { parseMemorySize } from '../limits/memory-size.ts'
import { parseLimits } from '../limits/parse-limits.ts'
import { PROFILES } from '../limits/profiles.ts'
import { resolveLimits } from '../limits/resolve-limits.ts'
import { formatSetting } from '../limits/setting.ts'
import type { AvailableResources } from '../limits/available-resources.ts'
import type { LimitKnobs } from '../limits/derive-limits.ts'
import type { ConcreteLimitConfig, NamedKey, ParsedLimitConfig, PartialLimitConfig, ScopeKey } from '../limits/limit-config.ts'
import type { Limit, LimitValue, ParsedLimits } from '../limits/limit.ts'
import type { ConcreteLimiter } from '../limits/limiter.ts'
import type { ProfileName } from '../limits/profiles.ts'

/**
 * Everything that limits follow from
 */
export interface LimitSettings extends LimitKnobs {
  /** What is in a file */
  file?: PartialLimitConfig

  /**
   * `maxConnections` of libp2p's connection manager, and `undefined` for a resource manager
   * without a node
   */
  connectionManager?: number

  /** What the process may use */
  machine: AvailableResources
}

/**
 * Where a figure comes from
 */
export type Origin = 'file' | 'maxMemory' | 'maxConnections' | 'profile' | 'connectionManager' | 'machine'

/**
 * The limits that a resource manager with these settings would have
 *
 * @throws {InvalidParametersError} naming the setting that is wrong
 */
export function limitsInForce ({ file = {}, connectionManager, machine, ...knobs }: LimitSettings): ConcreteLimitConfig {
  const presets = { deriveLimits: (knobs: LimitKnobs) => deriveLimits(knobs, machine), refuseKnobs }
  const demand = connectionManager === undefined ? undefined : { ...nodeDemand({ getMaxConnections: () => connectionManager }), fds: machine.fds }
  const limiter = resolveLimits({ ...knobs, limits: file }, presets, demand)

  // a partial configuration is never made into another kind of limiter
  return (limiter as ConcreteLimiter).config
}

/**
 * One figure of limits
 */
export interface LimitFigure {
  /** The key of the section, such as `system` */
  key: ScopeKey | NamedKey

  /** The name of the service, the protocol, or the peer id */
  name?: string

  field: keyof Limit

  /** As files and messages have it, such as `System.ConnsInbound` */
  setting: string

  /** `Infinity` where there is no limit */
  value: number
}

/**
 * All figures of limits, in the order in which they are written
 */
export function figuresOf (limits: ConcreteLimitConfig): LimitFigure[] {
  const scopes = SCOPE_KEYS.map(key => ({ key, name: undefined, limit: limits[key] }))
  const named = NAMED_KEYS.flatMap(key => Object.keys(limits[key]).sort().map(name => ({ key, name, limit: limits[key][name] })))

  return [...scopes, ...named].flatMap(({ key, name, limit }) => LIMIT_FIELDS.map(field => ({
    key,
    name,
    field,
    setting: formatSetting(['limits', key, ...name === undefined ? [] : [name], field]),
    value: limit[field]
  })))
}

type Change = (factor: number, settings: LimitSettings) => Array<Partial<LimitSettings>>

/**
 * How each setting is changed, to see which figures follow it
 */
const CHANGES: Record<Origin, Change> = {
  file: (factor, { file }) => file === undefined ? [] : [{ file: scaleFile(parseLimits(file), factor) }],
  maxMemory: (factor, { maxMemory, machine }) => maxMemory === undefined ? [] : [{ maxMemory: Math.floor(factor * parseMemorySize(maxMemory, 'maxMemory', () => machine.memory)) }],
  maxConnections: (factor, { maxConnections }) => maxConnections === undefined ? [] : [{ maxConnections: Math.ceil(factor * maxConnections) }],
  profile: (_, { profile }) => profile === undefined ? [] : [undefined, ...Object.keys(PROFILES) as ProfileName[]].filter(other => other !== profile).map(other => ({ profile: other })),
  connectionManager: (factor, { connectionManager }) => connectionManager === undefined ? [] : [{ connectionManager: Math.ceil(factor * connectionManager) }],
  machine: (factor, { machine: { memory, fds } }) => [{ machine: { memory: Math.floor(factor * memory), fds: Math.floor(factor * fds) } }]
}

/**
 * Small changes come first: they move only the setting that decides a figure, not one that is
 * merely near. Some figures are rounded so much that only a large change moves them.
 */
const FACTORS = [9 / 8, 16]

/**
 * A file with another number in every place
 */
function scaleFile (file: ParsedLimitConfig, factor: number): PartialLimitConfig {
  const scaleValue = (value: LimitValue): LimitValue => typeof value === 'number' && Number.isFinite(value) ? Math.min(Math.ceil(value * factor), Number.MAX_SAFE_INTEGER - 1) : 1
  const scale = (limits: ParsedLimits = {}): ParsedLimits => {
    return Object.fromEntries(Object.entries(limits).map(([field, value]) => [field, scaleValue(value)]))
  }

  const scaled: ParsedLimitConfig = {}

  for (const key of SCOPE_KEYS) {
    scaled[key] = scale(file[key])
  }

  for (const key of NAMED_KEYS) {
    scaled[key] = Object.fromEntries(Object.entries(file[key] ?? {}).map(([name, limits]) => [name, scale(limits)]))
  }

  return scaled
}

/**
 * Finds out which settings each figure follows: it changes each setting and computes the limits
 * again, so no rule is repeated here.
 *
 * @returns the settings by the name of the figure. A figure that is not there is the same
 * default on every machine.
 */
export function originsOf (settings: LimitSettings): Map<string, Set<Origin>> {
  const origins = new Map<string, Set<Origin>>()
  const figures = figuresOf(limitsInForce(settings))

  for (const factor of FACTORS) {
    const found = new Map<string, Set<Origin>>()

    for (const [origin, change] of Object.entries(CHANGES) as Array<[Origin, Change]>) {
      for (const changed of change(factor, settings)) {
        const others = new Map(figuresOf(limitsInForce({ ...settings, ...changed })).map(({ setting, value }) => [setting, value]))

        figures.filter(({ setting, value }) => others.get(setting) !== value).forEach(({ setting }) => {
          found.set(setting, (found.get(setting) ?? new Set()).add(origin))
        })
      }
    }

    for (const [setting, moved] of found) {
      if (!origins.has(setting)) {
        origins.set(setting, moved)
      }
    }
  }

  return origins
}
