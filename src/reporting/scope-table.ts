import { printable } from '../util/printable.ts'
import { atOnce } from '../util/slices.ts'
import { fullestShare } from './limit-shares.ts'
import { formatBytes } from './scope-state.ts'
import type { AggregateScope } from '../scopes/aggregate-scope.ts'
import type { ScopeGraph } from '../scopes/scope-graph.ts'
import type { Slice } from '../util/slices.ts'

/**
 * How many services, protocols and peers are listed, the fullest of each
 */
const MAX_ROWS = 8

/**
 * Longer names are cut, in the middle: peer ids differ at their end
 */
const MAX_NAME_LENGTH = 39

const HEADER = ['scope', 'conns in', 'conns out', 'streams in', 'streams out', 'fd', 'memory', 'fullest', 'refused']

/**
 * A table for people: what the scopes hold of what they may hold, how full they are
 * and how often they have refused something
 */
export function scopeTable (graph: ScopeGraph): string {
  return atOnce(slice => readTable(graph, slice))
}

/**
 * The same in slices
 */
export function * readTable (graph: ScopeGraph, slice: Slice): Generator<undefined, string, undefined> {
  const { allowlisted, normal, peers, protocols, services } = graph
  const rows = [HEADER, row(normal.system), row(normal.transient)]

  for (const scope of [allowlisted.system, allowlisted.transient]) {
    if (!scope.idle || scope.refusals > 0) {
      rows.push(row(scope))
    }
  }

  const hidden: string[] = []

  for (const [kind, scopes] of [['service', services], ['protocol', protocols], ['peer', peers]] as const) {
    const fullest = yield * fullestOf(scopes.values(), slice)

    rows.push(...fullest.map(row))

    if (scopes.size > fullest.length) {
      const rest = scopes.size - fullest.length

      hidden.push(`${rest} more ${kind}${rest === 1 ? '' : 's'}`)
    }
  }

  const widths = HEADER.map((_, column) => Math.max(...rows.map(row => row[column].length)))
  const lines = rows.map(row => {
    // names to the left, numbers to the right
    return row.map((cell, column) => column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])).join('  ')
  })

  const evictions = graph.evictions.entries().map(({ count, kind, resource }) => `${count} ${resource}${count === 1 ? '' : 's'} in ${kind}`)

  return [
    ...lines,
    ...hidden.length === 0 ? [] : [`and ${hidden.join(', ')}`],
    ...evictions.length === 0 ? [] : [`gave way to others: ${evictions.join(', ')}`]
  ].join('\n')
}

/**
 * The fullest scopes, fullest first, without sorting all: there may be very many
 */
function * fullestOf (scopes: Iterable<AggregateScope>, slice: Slice): Generator<undefined, AggregateScope[], undefined> {
  const top: Array<{ scope: AggregateScope, share: number }> = []

  for (const scope of scopes) {
    const share = fullestShare(scope)
    const at = top.findIndex(other => share > other.share || (share === other.share && scope.refusals > other.scope.refusals))

    if (at !== -1) {
      top.splice(at, 0, { scope, share })
    } else if (top.length < MAX_ROWS) {
      top.push({ scope, share })
    }

    top.length = Math.min(top.length, MAX_ROWS)

    if (slice.over) {
      yield
    }
  }

  return top.map(({ scope }) => scope)
}

function row (scope: AggregateScope): string[] {
  const { limit } = scope
  const share = fullestShare(scope)

  return [
    printable(cut(scope.name)),
    of(scope.connsInbound, limit.connsInbound),
    of(scope.connsOutbound, limit.connsOutbound),
    of(scope.streamsInbound, limit.streamsInbound),
    of(scope.streamsOutbound, limit.streamsOutbound),
    of(scope.fd, limit.fd),
    of(scope.memory, limit.memory, formatBytes),
    share === Infinity ? 'blocked' : `${Math.round(100 * share)}%`,
    String(scope.refusals)
  ]
}

function of (used: number, limit: number, format: (value: number) => string = String): string {
  return limit === Infinity ? format(used) : `${format(used)} of ${format(limit)}`
}

function cut (name: string): string {
  if (name.length <= MAX_NAME_LENGTH) {
    return name
  }

  const half = (MAX_NAME_LENGTH - 1) / 2

  return `${name.slice(0, half)}…${name.slice(-half)}`
}
