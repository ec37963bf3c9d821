import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Operation } from './operations.ts'

const STORED = new URL('./allocations.json', import.meta.url)

/**
 * How much more than stored is a regression
 */
const TOLERANCE = 0.1

/**
 * A few bytes per operation come from the measurement itself
 */
const NOISE = 4

/**
 * Few enough that the young generation is never full, so that nothing is collected
 * during a round
 */
const ITERATIONS = 10_000
const WARM_UP = 20_000
const ROUNDS = 5

/**
 * Bytes that one operation allocates, for each operation. The lowest of several
 * rounds: what the compiler and the collector do in between only ever adds.
 */
export function measureAllocations (operations: Operation[]): Record<string, number> {
  const collect = globalThis.gc

  if (collect == null) {
    throw new Error('run with --expose-gc')
  }

  const bytes: Record<string, number> = {}

  for (const { name, isLarge, prepare } of operations) {
    if (isLarge === true) {
      continue
    }

    const operation = prepare()
    let lowest = Infinity

    for (let i = 0; i < WARM_UP; i++) {
      operation()
    }

    for (let round = 0; round < ROUNDS; round++) {
      collect()

      const before = process.memoryUsage().heapUsed

      for (let i = 0; i < ITERATIONS; i++) {
        operation()
      }

      lowest = Math.min(lowest, (process.memoryUsage().heapUsed - before) / ITERATIONS)
    }

    bytes[name] = Math.max(0, Math.round(lowest))
  }

  return bytes
}

export function storeAllocations (bytes: Record<string, number>): void {
  writeFileSync(fileURLToPath(STORED), `${JSON.stringify(bytes, null, 2)}\n`)
}

/**
 * What allocates more than it did when the figures were stored
 */
export function findRegressions (bytes: Record<string, number>): string[] {
  const stored: Record<string, number> = JSON.parse(readFileSync(STORED, 'utf8'))

  return Object.keys(bytes).flatMap(name => {
    if (stored[name] == null) {
      return [`${name}: ${bytes[name]} bytes, nothing stored to compare with`]
    }

    if (bytes[name] > stored[name] * (1 + TOLERANCE) + NOISE) {
      return [`${name}: ${bytes[name]} bytes, ${stored[name]} stored`]
    }

    return []
  })
}
