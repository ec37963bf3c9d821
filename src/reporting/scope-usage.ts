import { LIMIT_FIELDS } from '../limits/limit.ts'
import { allScopes } from '../scopes/all-scopes.ts'
import { ANY, checkDescribed } from '../util/description.ts'
import { atOnce } from '../util/slices.ts'
import { sorted } from '../util/sorted.ts'
import { invalid } from '../util/validation.ts'
import { fullestShare } from './limit-shares.ts'
import type { Resource } from '../errors.ts'
import type { Limit } from '../limits/limit.ts'
import type { AggregateScope } from '../scopes/aggregate-scope.ts'
import type { ScopeStat } from '../scopes/resource-scope.ts'
import type { ScopeGraph } from '../scopes/scope-graph.ts'
import type { ScopeKind } from '../scopes/scope-kind.ts'
import type { SharedLimit } from '../scopes/shared-limit.ts'
import type { DescriptionOf } from '../util/description.ts'
import type { Slice } from '../util/slices.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

/**
 * From here on a scope is close to its limit, in percent
 */
const DEFAULT_MIN_PERCENT = 80

/**
 * Options of `usage()`
 */
export interface UsageOptions {
  /**
   * How much of a limit has to be in use for it to be listed, in percent
   *
   * @default 80
   */
  minPercent?: number
}

const OPTIONS = { minPercent: ANY } as const satisfies DescriptionOf<UsageOptions>

/**
 * How much of one of its limits a scope uses
 */
export interface ScopeUsage {
  /** The name of the scope */
  scope: string

  /** The kind of the scope, such as `system` or `protocolPeer` */
  kind: ScopeKind

  /** What it is the limit of */
  resource: LimitedResource['resource']

  /** Set where the limit is one for a single direction */
  direction?: MessageStreamDirection

  /** How much is in use: a number, or bytes of memory */
  used: number

  /** How much may be in use: a number, or bytes of memory */
  limit: number

  /**
   * `used` in percent of `limit`. More than 100 if the limit was lowered since, and `Infinity`
   * if it is 0 now.
   */
  percent: number

  /** How often the scope has refused something, of any resource */
  refusals: number

  /** Only where `limit` is what this node may have of a limit of its fleet */
  fleet?: SharedLimit
}

export interface LimitedResource {
  /** What it is the limit of */
  resource: Exclude<Resource, 'subnet' | 'rate'>

  /** Set where the limit is one for a single direction */
  direction?: MessageStreamDirection
}

/**
 * What the limits are for, as refusals say it
 */
export const RESOURCES: Record<keyof Limit, LimitedResource> = {
  streams: { resource: 'stream' },
  streamsInbound: { resource: 'stream', direction: 'inbound' },
  streamsOutbound: { resource: 'stream', direction: 'outbound' },
  conns: { resource: 'connection' },
  connsInbound: { resource: 'connection', direction: 'inbound' },
  connsOutbound: { resource: 'connection', direction: 'outbound' },
  fd: { resource: 'fd' },
  memory: { resource: 'memory' }
}

export const USED: Record<keyof Limit, (scope: AggregateScope) => number> = {
  streams: (scope) => scope.streamsInbound + scope.streamsOutbound,
  streamsInbound: (scope) => scope.streamsInbound,
  streamsOutbound: (scope) => scope.streamsOutbound,
  conns: (scope) => scope.connsInbound + scope.connsOutbound,
  connsInbound: (scope) => scope.connsInbound,
  connsOutbound: (scope) => scope.connsOutbound,
  fd: (scope) => scope.fd,
  memory: (scope) => scope.memory
}

export function connectionsOf ({ numConnsInbound, numConnsOutbound }: ScopeStat): number {
  return numConnsInbound + numConnsOutbound
}

export function streamsOf ({ numStreamsInbound, numStreamsOutbound }: ScopeStat): number {
  return numStreamsInbound + numStreamsOutbound
}

/**
 * The share of a limit that is in use, from 0 to 1; more if the limit was lowered
 */
export function shareOf (used: number, limit: number): number {
  return used === 0 ? 0 : used / limit
}

/**
 * The scopes that are near their limits, fullest first
 *
 * @throws {InvalidParametersError} if the percentage is not a number from 0 on
 */
export function scopeUsage (graph: ScopeGraph, options?: UsageOptions): ScopeUsage[] {
  return atOnce(slice => readUsage(graph, options, slice))
}

/**
 * The same in slices
 *
 * @throws {InvalidParametersError} if the percentage is not a number from 0 on
 */
export function * readUsage (graph: ScopeGraph, options: UsageOptions = {}, slice: Slice): Generator<undefined, ScopeUsage[], undefined> {
  checkDescribed('options', options, OPTIONS)

  const { minPercent = DEFAULT_MIN_PERCENT } = options

  if (!(minPercent >= 0)) {
    throw invalid('minPercent', 'a number from 0 on', minPercent)
  }

  const result: ScopeUsage[] = []

  for (const scope of allScopes(graph)) {
    // most of possibly very many are not near any limit
    if (100 * fullestShare(scope) >= minPercent) {
      addFields(result, scope, minPercent)
    }

    // not between the shares of a peer: each that is used comes to the front
    if (scope.whole === undefined && slice.over) {
      yield
    }
  }

  return yield * sorted(result, (a, b) => b.percent - a.percent || b.refusals - a.refusals, slice)
}

function addFields (result: ScopeUsage[], scope: AggregateScope, minPercent: number): void {
  for (const field of LIMIT_FIELDS) {
    const limit = scope.limit[field]
    const used = USED[field](scope)

    if (limit !== Infinity && used > 0 && 100 * shareOf(used, limit) >= minPercent) {
      result.push(usageOf(scope, field))
    }
  }
}

/**
 * How much a scope uses of one of its limits
 */
export function usageOf (scope: AggregateScope, field: keyof Limit): ScopeUsage {
  const limit = scope.limit[field]
  const used = USED[field](scope)
  const fleet = scope.graph.limitCap?.sharedLimit(scope, field)

  return { scope: scope.name, kind: scope.kind, ...RESOURCES[field], used, limit, percent: 100 * shareOf(used, limit), refusals: scope.refusals, ...fleet === undefined ? {} : { fleet } }
}
