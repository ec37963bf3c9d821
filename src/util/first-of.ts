import type { Slice } from './slices.ts'

/**
 * The first few of very many values, in an order, as if all had been sorted: in slices, and
 * with no more than one comparison for most
 *
 * @param values
 * @param count
 * @param compare - as for sorting. Equal values stay in their order.
 * @param slice
 */
export function * firstOf <T> (values: Iterable<T>, count: number, compare: (a: T, b: T) => number, slice: Slice): Generator<undefined, T[], undefined> {
  const first: T[] = []

  for (const value of values) {
    if (first.length < count || (count > 0 && compare(value, first[count - 1]) < 0)) {
      insert(first, value, compare)

      if (first.length > count) {
        first.pop()
      }
    }

    if (slice.over) {
      yield
    }
  }

  return first
}

function insert <T> (sorted: T[], value: T, compare: (a: T, b: T) => number): void {
  let at = sorted.length

  while (at > 0 && compare(value, sorted[at - 1]) < 0) {
    at--
  }

  sorted.splice(at, 0, value)
}
