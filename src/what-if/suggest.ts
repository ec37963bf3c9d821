import { LIMIT_FIELDS } from '../limits/limit.ts'
import { formatSetting } from '../limits/setting.ts'
import { SCOPE_KINDS } from '../scopes/scope-kind.ts'
import { invalid } from '../util/validation.ts'
import { OF_PEERS } from './recorded-usage.ts'
import type { NamedKey, PartialLimitConfig, ScopeKey } from '../limits/limit-config.ts'
import type { Limit } from '../limits/limit.ts'
import type { ScopeKind } from '../scopes/scope-kind.ts'

/**
 * The use of one limit, from a report of `replayTrace` or the high-water marks of a manager
 */
export interface Used {
  /** The kind of the scope */
  kind: ScopeKind

  /** The name of the scope */
  scope: string

  /** The service or protocol, where it is one or what peers have of one */
  group?: string

  /** Which limit it is about */
  field: keyof Limit

  /** The most that was held at a time: a number, or bytes of memory */
  peak: number

  /**
   * What was exceeded for 1% of the time, or by 1% of the peers, if that is known: a number, or
   * bytes of memory
   */
  p99?: number

  /** The same for half of the time, or half of the peers */
  p50?: number
}

/**
 * Options of `suggestLimits`
 */
export interface SuggestOptions {
  /**
   * How much more than the peak a limit allows, from 1 on
   *
   * @default 1.5
   */
  headroom?: number
}

/**
 * A limit, and why it is this one
 */
export interface Suggestion extends Used {
  /** The setting, such as `System.StreamsInbound` */
  setting: string

  /** The limit that is suggested: a number, or bytes of memory */
  limit: number

  /** Set if the peak is far above what is usual: find out who that was before you allow it to everybody */
  outlier?: true
}

/**
 * No limit is lower than these, whatever was used: a quiet hour says nothing about a busy one
 */
const LEAST = {
  shared: { count: 16, memory: 16 * 2 ** 20 },
  ofPeers: { count: 8, memory: 4 * 2 ** 20 }
}

/**
 * From here on a peak is far above what is usual
 */
const OUTLIER = 8

const NAMED = new Set<string>(['service', 'servicePeer', 'protocol', 'protocolPeer'] satisfies NamedKey[])
const SINGLE = new Set<string>(['system', 'transient', 'allowlistedSystem', 'allowlistedTransient'] satisfies ScopeKey[])

/**
 * Limits from what was really used: the peak and some headroom, rounded up. A limit that was
 * not used is left out, and stays as it is.
 *
 * @throws {InvalidParametersError} if the headroom is not a number from 1 on
 */
export function suggestLimits (used: readonly Used[], { headroom = 1.5 }: SuggestOptions = {}): { limits: PartialLimitConfig, suggestions: Suggestion[] } {
  if (!(headroom >= 1 && headroom < Infinity)) {
    throw invalid('headroom', 'a number from 1 on', headroom)
  }

  const limits: Record<string, any> = {}
  const suggestions: Suggestion[] = []

  for (const use of [...used].sort(inOrder)) {
    const path = pathOf(use)

    if (path === undefined || use.peak <= 0) {
      continue
    }

    const limit = limitFor(use, headroom)
    const isOutlier = use.p99 !== undefined && use.p99 > 0 && use.peak > OUTLIER * use.p99 && limit > leastOf(use)

    put(limits, path, use.field, limit)
    suggestions.push({ ...use, setting: formatSetting(['limits', ...path, use.field]), limit, ...isOutlier ? { outlier: true } : {} })
  }

  return { limits, suggestions }
}

function pathOf ({ group, kind }: Used): string[] | undefined {
  if (SINGLE.has(kind)) {
    return [kind]
  }

  if (kind === 'peer') {
    return ['peerDefault']
  }

  if (NAMED.has(kind)) {
    return group === undefined ? [`${kind}Default`] : [kind, group]
  }
}

function put (limits: Record<string, any>, [key, name]: string[], field: keyof Limit, limit: number): void {
  // names come from remotes: `__proto__` is one like any other
  limits[key] ??= name === undefined ? {} : Object.create(null)

  if (name === undefined) {
    limits[key][field] = Math.max(limit, limits[key][field] ?? 0)
  } else {
    limits[key][name] ??= {}
    limits[key][name][field] = limit
  }
}

/**
 * What is suggested however little was used
 */
function leastOf ({ field, kind }: Pick<Used, 'field' | 'kind'>): number {
  return LEAST[OF_PEERS.has(kind) ? 'ofPeers' : 'shared'][field === 'memory' ? 'memory' : 'count']
}

function limitFor ({ field, kind, peak }: Used, headroom: number): number {
  const least = leastOf({ field, kind })

  if (field === 'memory') {
    return Math.min(Number.MAX_SAFE_INTEGER, Math.max(least, 2 ** 20 * Math.ceil(headroom * peak / 2 ** 20)))
  }

  return Math.max(least, roundUp(headroom * peak))
}

/**
 * To two digits
 */
function roundUp (value: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(value)) - 1)

  return unit * Math.ceil(value / unit)
}

/**
 * As files with limits have it
 */
function inOrder (a: Used, b: Used): number {
  return SCOPE_KINDS.indexOf(a.kind) - SCOPE_KINDS.indexOf(b.kind) ||
    (a.group ?? '').localeCompare(b.group ?? '') ||
    LIMIT_FIELDS.indexOf(a.field) - LIMIT_FIELDS.indexOf(b.field)
}
