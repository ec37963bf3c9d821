import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const STORED = new URL('./stored-counts.json', import.meta.url)

/**
 * How much more than stored is a regression
 */
const TOLERANCE = 0.1

/**
 * What comes from the measurement itself, whatever is measured
 */
const NOISE = { allocations: 4, instructions: 10 }

const UNITS = { allocations: 'bytes', instructions: 'instructions' }

type What = keyof typeof NOISE

/**
 * What each operation takes. Unlike times, these are the same on a busy machine.
 */
export interface Counts {
  /** In bytes */
  allocations: Record<string, number>

  /** Not there where they cannot be counted */
  instructions?: Record<string, number>
}

export function store (counts: Counts): void {
  writeFileSync(fileURLToPath(STORED), `${JSON.stringify(counts, null, 2)}\n`)
}

/**
 * Whether there is anything to compare instructions with
 */
export function hasInstructions (): boolean {
  return read().instructions != null
}

function read (): Partial<Counts> {
  return JSON.parse(readFileSync(STORED, 'utf8'))
}

/**
 * What takes more than it did when the counts were stored
 */
export function findRegressions (counts: Counts): string[] {
  const stored = read()

  return (Object.keys(NOISE) as What[]).filter(what => stored[what] != null).flatMap(what => Object.entries(counts[what] ?? {}).flatMap(([name, count]) => {
    const before = stored[what]?.[name]

    if (before == null) {
      return [`${name}: ${count} ${UNITS[what]}, nothing stored to compare with`]
    }

    return count > before * (1 + TOLERANCE) + NOISE[what] ? [`${name}: ${count} ${UNITS[what]}, ${before} stored`] : []
  }))
}
