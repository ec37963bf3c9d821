import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

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

interface StoredCounts extends Counts {
  /** What the instructions were counted with: others have other instructions */
  countedWith?: string
}

function currentPlatform (): string {
  return `Node.js ${process.version} ${process.arch}`
}

function read (): StoredCounts {
  return JSON.parse(readFileSync(STORED, 'utf8'))
}

/**
 * Instructions that cannot be counted here stay as they are
 */
export function store ({ allocations, instructions }: Counts): void {
  const before = read()
  const counts: StoredCounts = instructions == null
    ? { allocations, countedWith: before.countedWith, instructions: before.instructions }
    : { allocations, countedWith: currentPlatform(), instructions }

  writeFileSync(fileURLToPath(STORED), `${JSON.stringify(counts, null, 2)}\n`)
}

/**
 * Why stored counts of instructions mean nothing here, if so
 */
export function whyNotComparable (): string | undefined {
  const { countedWith } = read()

  if (countedWith !== currentPlatform()) {
    return `instructions are not compared: they are stored for ${countedWith ?? 'nothing'}, this is ${currentPlatform()}`
  }
}

/**
 * What takes more than it did when the counts were stored
 */
export function findRegressions (counts: Counts): string[] {
  const stored = read()

  return (Object.keys(NOISE) as What[]).flatMap(what => Object.entries(counts[what] ?? {}).flatMap(([name, count]) => {
    const before = stored[what]?.[name]

    if (before == null) {
      return [`${name}: ${count} ${UNITS[what]}, nothing stored to compare with`]
    }

    return count > before * (1 + TOLERANCE) + NOISE[what] ? [`${name}: ${count} ${UNITS[what]}, ${before} stored, ${formatGrowth(count, before)}`] : []
  }))
}

function formatGrowth (count: number, before: number): string {
  return before === 0 ? 'more than none' : `${((count / before - 1) * 100).toFixed(0)}% more`
}
