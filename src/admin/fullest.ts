import { RESOURCES, shareOf } from '../reporting/scope-usage.ts'
import { firstOf } from '../util/first-of.ts'
import type { BarStat, PeakStat } from './live-data.ts'
import type { ScopeUsage } from '../reporting/scope-usage.ts'
import type { DescribedMark } from '../reporting/usual-use.ts'
import type { Slice, Steps } from '../util/slices.ts'

/**
 * How many of each are sent. The emptiest are left out.
 */
const MAX_BARS = 60
const MAX_PEAKS = 40

/**
 * Scopes that more depends on first
 */
const KINDS: readonly string[] = ['system', 'transient', 'allowlistedSystem', 'allowlistedTransient', 'service', 'protocol', 'peer']
const ALWAYS = 4

type Ranked = Pick<ScopeUsage, 'kind' | 'percent'>

function rankOf ({ kind }: Ranked): number {
  const rank = KINDS.indexOf(kind)

  return rank === -1 ? KINDS.length : rank
}

function fullest (a: Ranked, b: Ranked): number {
  return b.percent - a.percent || rankOf(a) - rankOf(b)
}

/**
 * Those to show, of all that are in use, with their peaks
 */
export function * barsOf (used: ScopeUsage[], marks: DescribedMark[], slice: Slice): Steps<BarStat[]> {
  const peaks = new Map(marks.map(mark => [keyOf({ ...mark, ...RESOURCES[mark.field] }), mark]))
  const first = yield * firstOf(used, MAX_BARS, fullest, slice)
  const shown = new Set(first)
  const always: ScopeUsage[] = []

  for (const bar of used) {
    if (rankOf(bar) < ALWAYS && !shown.has(bar)) {
      always.push(bar)
    }

    if (slice.over) {
      yield
    }
  }

  return [...first, ...always.sort(fullest)].map(bar => {
    const mark = peaks.get(keyOf(bar))

    return mark === undefined ? bar : { ...bar, peak: { value: mark.value, time: mark.time } }
  })
}

function keyOf ({ direction, resource, scope }: Pick<BarStat, 'scope' | 'resource' | 'direction'>): string {
  return `${scope} ${resource} ${direction}`
}

export function * peaksOf (marks: DescribedMark[], slice: Slice): Steps<PeakStat[]> {
  const limited: PeakStat[] = []

  for (const { field, kind, limit, p99, scope, time, value } of marks) {
    if (limit !== Infinity) {
      limited.push({ kind, scope, ...RESOURCES[field], value, limit, percent: 100 * shareOf(value, limit), time, p99 })
    }

    if (slice.over) {
      yield
    }
  }

  return yield * firstOf(limited, MAX_PEAKS, fullest, slice)
}
