import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { countedHere } from './counted-with.ts'
import type { CountedWith } from './counted-with.ts'

const STORED = new URL('./stored-counts.json', import.meta.url)

/**
 * How much more than stored is a regression
 */
const TOLERANCE = 0.1

/**
 * What comes from the measurement itself, whatever is measured. The smallest object has
 * 16 bytes.
 */
const NOISE = { allocations: 8, instructions: 10 }

const UNITS = { allocations: 'bytes', instructions: 'instructions' }

/**
 * Has nothing of this package in it
 */
const REFERENCE = 'wired stream, no manager'

/**
 * How much it may differ while everything else is taken for comparable
 */
const REFERENCE_TOLERANCE = 0.05

type What = keyof typeof NOISE

/**
 * What each operation takes. Unlike times, these are the same on a busy machine.
 */
export interface Counts {
  /** In bytes. Not there where they are not comparable. */
  allocations?: Record<string, number>

  /** Not there where they cannot be counted or are not comparable */
  instructions?: Record<string, number>
}

export interface StoredCounts extends Counts {
  countedWith: CountedWith
}

export function readStored (): StoredCounts {
  return JSON.parse(readFileSync(STORED, 'utf8'))
}

/**
 * Both of them, or neither: they are stored for one Node.js
 */
export function store (counts: Required<Counts>): void {
  const stored: StoredCounts = { countedWith: countedHere(), ...counts }

  writeFileSync(fileURLToPath(STORED), `${JSON.stringify(stored, null, 2)}\n`)
}

/**
 * How much more or less than stored is taken by what has nothing of this package in it, if
 * that is too much for a comparison of anything else
 */
export function findShift (stored: StoredCounts, instructions: Record<string, number>): string | undefined {
  const before = stored.instructions?.[REFERENCE] ?? 0
  const count = instructions[REFERENCE]

  if (!(Math.abs(count / before - 1) <= REFERENCE_TOLERANCE)) {
    return `${REFERENCE}: ${count} instructions, ${before} stored`
  }
}

/**
 * What takes more than it did when the counts were stored, and what is not the same
 * operations any more
 */
export function findRegressions (stored: StoredCounts, counts: Counts): string[] {
  return (Object.keys(NOISE) as What[]).flatMap(what => {
    const counted = counts[what]

    if (counted == null) {
      return []
    }

    const missing = Object.keys(stored[what] ?? {}).filter(name => !(name in counted))

    return [
      ...missing.map(name => `${name}: ${UNITS[what]} are stored, and it is not counted`),
      ...Object.entries(counted).flatMap(([name, count]) => compare(what, name, count, stored[what]?.[name]))
    ]
  })
}

function compare (what: What, name: string, count: number, before: number | undefined): string[] {
  if (before == null) {
    return [`${name}: ${count} ${UNITS[what]}, nothing stored to compare with`]
  }

  return count > before * (1 + TOLERANCE) + NOISE[what] ? [`${name}: ${count} ${UNITS[what]}, ${before} stored, ${formatGrowth(count, before)}`] : []
}

function formatGrowth (count: number, before: number): string {
  return before === 0 ? 'more than none' : `${((count / before - 1) * 100).toFixed(0)}% more`
}
