import { resolveSubnetLimits } from '../admission/subnet-limits.ts'
import { LIMIT_FIELDS } from '../limits/limit.ts'
import { parseLimits } from '../limits/parse-limits.ts'
import { didYouMean, unknownName } from '../util/did-you-mean.ts'
import { isPattern, NameTable } from '../util/name-table.ts'
import { Problems } from '../util/problems.ts'
import { invalid } from '../util/validation.ts'
import { resolveFleetRates, resolveFleetSessions } from './fleet-traffic-limits.ts'
import { MAX_AMOUNT } from './protocol.ts'
import type { FleetSessionLimits, ResolvedFleetSessions } from './fleet-traffic-limits.ts'
import type { ConnectionRateLimits, ResolvedRateLimits } from '../admission/rate-limits.ts'
import type { ResolvedSubnetLimits, SubnetLimits } from '../admission/subnet-limits.ts'
import type { ParsedLimitConfig, PartialLimitConfig } from '../limits/limit-config.ts'
import type { Limit, LimitValue, ParsedLimits } from '../limits/limit.ts'
import type { SettingPath } from '../limits/setting.ts'
import type { ScopeKind } from '../scopes/scope-kind.ts'

/**
 * The parts of a limit configuration that a fleet may have
 */
export const FLEET_KEYS = ['system', 'service', 'serviceDefault', 'protocol', 'protocolDefault', 'peer', 'peerDefault'] as const

/**
 * Limits of a whole fleet: of connections, streams, memory and file descriptors as of a node,
 * and of the connections of subnets and networks. The fleet does not limit what is left out.
 */
export interface FleetLimits extends Pick<PartialLimitConfig, typeof FLEET_KEYS[number]> {
  /**
   * How many connections subnets and networks may have on all nodes together, in the form of
   * the option `subnetLimits`. There are no limits by default; loopback addresses stay
   * unlimited.
   *
   * @default {}
   */
  subnets?: SubnetLimits

  /**
   * How often remotes may open connections on all nodes together, in the form of the option
   * `rateLimits.connections`. There are no limits by default; loopback addresses stay
   * unlimited. `maxSubnets` says how many subnets of a size a node asks for, 4096 by default.
   *
   * @default {}
   */
  rates?: ConnectionRateLimits

  /**
   * How much collectors, peers and all streams transfer on all nodes together, in bit/s, in the
   * form of the option `sessions`
   *
   * @default {}
   */
  sessions?: FleetSessionLimits
}

/**
 * The fields that a limit has, by their index in `LIMIT_FIELDS`
 */
export type FieldLimits = ReadonlyArray<readonly [field: number, limit: number]>

const NONE: FieldLimits = []

/**
 * How many services and protocols a fleet may name in its limits: each of these has a scope for
 * as long as it has a limit
 */
const MAX_NAMED = 200

/**
 * Which limits of a fleet a scope has
 */
export class ResolvedFleetLimits {
  readonly subnets?: ResolvedSubnetLimits
  readonly rates?: ResolvedRateLimits
  readonly sessions?: ResolvedFleetSessions
  readonly #config: ParsedLimitConfig
  readonly #patterns: Record<'service' | 'protocol', NameTable<string>>
  readonly #known = new Map<ParsedLimits, FieldLimits>()

  /**
   * @throws {InvalidParametersError} listing every problem
   */
  constructor (limits: FleetLimits) {
    const { rates, sessions, subnets, ...scopes } = checkKeys(limits)

    this.#config = parseLimits(scopes)
    checkContradictions(this.#config)
    checkNamed(this.named.length)
    this.subnets = subnets === undefined ? undefined : resolveSubnetLimits({ ipv4: [], ipv6: [], ...subnets })
    this.rates = rates === undefined ? undefined : resolveFleetRates('limits.rates', rates)
    this.sessions = sessions === undefined ? undefined : resolveFleetSessions('limits.sessions', sessions)
    this.#patterns = {
      service: patternsOf('service', this.#config.service),
      protocol: patternsOf('protocol', this.#config.protocol)
    }
  }

  /**
   * Limits that are leased even if nothing is held: those of the system, and of services and
   * protocols with an entry of their own
   */
  get named (): Array<[kind: ScopeKind, key: string]> {
    const of = (kind: 'service' | 'protocol'): Array<[ScopeKind, string]> => {
      return Object.keys(this.#config[kind] ?? {}).filter(name => !isPattern(name)).map(name => [kind, name])
    }

    return [['system', ''], ...of('service'), ...of('protocol')]
  }

  /**
   * Whether any scope of a kind may have one
   */
  has (kind: 'service' | 'protocol' | 'peer'): boolean {
    return this.#config[kind] !== undefined || this.#config[`${kind}Default`] !== undefined
  }

  of (kind: ScopeKind, key: string): FieldLimits {
    switch (kind) {
      case 'system':
        return this.#fields(this.#config.system)
      case 'service':
      case 'protocol':
      case 'peer':
        return this.#fields(this.#named(kind, key))
      default:
        return NONE
    }
  }

  /**
   * Where the limit of a scope is configured
   */
  pathOf (kind: ScopeKind, key: string, field: keyof Limit): SettingPath {
    if (kind === 'system') {
      return ['fleet', 'limits', kind, field]
    }

    const named = kind as 'service' | 'protocol' | 'peer'
    const name = this.#entryOf(named, key)

    return name !== undefined && this.#config[named]?.[name]?.[field] !== undefined
      ? ['fleet', 'limits', kind, name, field]
      : ['fleet', 'limits', `${kind}Default`, field]
  }

  #named (kind: 'service' | 'protocol' | 'peer', key: string): ParsedLimits | undefined {
    const name = this.#entryOf(kind, key)
    const others = this.#config[`${kind}Default`]

    // an entry takes the fields that it leaves out from the default of its kind
    return name === undefined ? others : merged(this.#config[kind]?.[name], others)
  }

  /**
   * The name of the entry that a scope has its limit from, if one names it
   */
  #entryOf (kind: 'service' | 'protocol' | 'peer', key: string): string | undefined {
    const entries = this.#config[kind]
    // a remote may have chosen it
    const known = entries !== undefined && Object.hasOwn(entries, key)

    if (known) {
      return key
    }

    return kind === 'peer' ? undefined : this.#patterns[kind].get(key)
  }

  #fields (limits: ParsedLimits | undefined): FieldLimits {
    if (limits === undefined) {
      return NONE
    }

    let fields = this.#known.get(limits)

    if (fields === undefined) {
      fields = LIMIT_FIELDS
        .map((field, i) => [i, amountOf(limits[field])] as const)
        .filter(([, amount]) => amount !== Infinity)
      this.#known.set(limits, fields)
    }

    return fields
  }
}

const mergedLimits = new WeakMap<ParsedLimits, ParsedLimits>()

function merged (limits: ParsedLimits = {}, others: ParsedLimits = {}): ParsedLimits {
  let both = mergedLimits.get(limits)

  if (both === undefined) {
    both = { ...others, ...limits }
    mergedLimits.set(limits, both)
  }

  return both
}

function checkNamed (count: number): void {
  // one of them is the system
  if (count > MAX_NAMED + 1) {
    throw invalid('limits', `at most ${MAX_NAMED} services and protocols`, count - 1)
  }
}

function amountOf (value: LimitValue | undefined): number {
  switch (value) {
    case undefined:
    case 'default':
    case 'unlimited':
      return Infinity
    case 'blockAll':
      return 0
    default:
      return value > MAX_AMOUNT ? Infinity : value
  }
}

function patternsOf (kind: 'service' | 'protocol', entries: Record<string, unknown> = {}): NameTable<string> {
  return new NameTable(`limits.${kind}`, Object.keys(entries).filter(isPattern).map(name => [name, name] as const))
}

/**
 * What options of a node are called here
 */
const OTHER_NAMES: Record<string, string> = { subnetLimits: 'limits.subnets', rateLimits: 'limits.rates' }

function checkKeys (limits: FleetLimits): FleetLimits {
  const problems = new Problems('invalid limits')

  if (typeof limits !== 'object' || limits === null || Array.isArray(limits)) {
    problems.add('limits', 'an object with limits', limits)
    problems.throwIfAny()
  }

  const names = [...FLEET_KEYS, 'subnets', 'rates', 'sessions']

  for (const key of Object.keys(limits)) {
    if (!names.includes(key)) {
      problems.addText(`limits.${key}: a fleet has no such limit (${Object.hasOwn(OTHER_NAMES, key) ? didYouMean(OTHER_NAMES[key]) : unknownName(key, names)})`)
    }
  }

  problems.throwIfAny()

  return limits
}

/**
 * Part of what cannot be more than the whole
 */
const PARTS: ReadonlyArray<[part: keyof Limit, whole: keyof Limit]> = [
  ['streamsInbound', 'streams'],
  ['streamsOutbound', 'streams'],
  ['connsInbound', 'conns'],
  ['connsOutbound', 'conns']
]

/**
 * Somebody who sets a limit that is never reached, because another one comes first, meant
 * something else
 */
function checkContradictions (config: ParsedLimitConfig): void {
  const problems = new Problems('limits that contradict each other')
  const all: Array<[string, ParsedLimits]> = []

  for (const key of FLEET_KEYS) {
    const limits = config[key]

    if (key === 'service' || key === 'protocol' || key === 'peer') {
      all.push(...Object.entries(limits ?? {}).map(([name, entry]): [string, ParsedLimits] => [`limits.${key}["${name}"]`, entry]))
    } else if (limits !== undefined) {
      all.push([`limits.${key}`, limits])
    }
  }

  for (const [path, limits] of all) {
    for (const [part, whole] of PARTS) {
      if (limits[part] !== undefined && limits[part] !== 'unlimited' && amountOf(limits[part]) > amountOf(limits[whole])) {
        problems.add(`${path}.${part}`, `at most ${whole} (${amountOf(limits[whole])})`, limits[part])
      }
    }

    if (path !== 'limits.system') {
      for (const field of LIMIT_FIELDS) {
        const system = amountOf(config.system?.[field])

        if (limits[field] !== undefined && limits[field] !== 'unlimited' && amountOf(limits[field]) > system) {
          problems.add(`${path}.${field}`, `at most limits.system.${field} (${system})`, limits[field])
        }
      }
    }
  }

  problems.throwIfAny()
}
