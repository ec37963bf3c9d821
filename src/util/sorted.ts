import type { Slice } from './slices.ts'

/**
 * So many are sorted in a fraction of a millisecond
 */
const SORTED_AT_ONCE = 512

/**
 * Sorts values, in slices if there are very many. Equal values stay in their order.
 */
export function * sorted <T> (values: T[], compare: (a: T, b: T) => number, slice: Slice): Generator<undefined, T[], undefined> {
  let runs: T[][] = []

  if (slice.end === Infinity) {
    return values.sort(compare)
  }

  for (let i = 0; i < values.length; i += SORTED_AT_ONCE) {
    runs.push(values.slice(i, i + SORTED_AT_ONCE).sort(compare))

    if (performance.now() > slice.end) {
      yield
    }
  }

  while (runs.length > 1) {
    const merged: T[][] = []

    for (let i = 0; i < runs.length; i += 2) {
      merged.push(i + 1 < runs.length ? yield * merge(runs[i], runs[i + 1], compare, slice) : runs[i])
    }

    runs = merged
  }

  return runs[0] ?? []
}

function * merge <T> (a: T[], b: T[], compare: (a: T, b: T) => number, slice: Slice): Generator<undefined, T[], undefined> {
  const merged: T[] = []
  let i = 0
  let j = 0

  while (i < a.length || j < b.length) {
    merged.push(j >= b.length || (i < a.length && compare(a[i], b[j]) <= 0) ? a[i++] : b[j++])

    if (slice.over) {
      yield
    }
  }

  return merged
}
