import { repeat } from './operations/operation.ts'
import type { Operation } from './operations/operation.ts'

/**
 * Few enough that the young generation is never full, so that nothing is collected
 * during a round
 */
const ITERATIONS = 10_000

/**
 * The same for what does much at once
 */
const ITERATIONS_AT_ONCE = 500
const WARM_UP = 20_000
const ROUNDS = 5

/**
 * Bytes that one operation allocates, for each operation. The lowest of several
 * rounds: what the compiler and the collector do in between only ever adds.
 */
export async function measureAllocations (operations: Operation[]): Promise<Record<string, number>> {
  const collect = globalThis.gc

  if (collect == null) {
    throw new Error('run with --expose-gc')
  }

  const bytes: Record<string, number> = {}

  for (const operation of operations.filter(({ timeOnly }) => timeOnly !== true)) {
    const iterations = operation.times == null ? ITERATIONS : ITERATIONS_AT_ONCE
    const repeated = await operation.prepare()
    let lowest = Infinity

    await repeat(WARM_UP, operation, repeated)

    for (let round = 0; round < ROUNDS; round++) {
      collect()

      const before = process.memoryUsage().heapUsed

      await repeat(iterations, operation, repeated)
      lowest = Math.min(lowest, (process.memoryUsage().heapUsed - before) / iterations)
    }

    bytes[operation.name] = Math.max(0, Math.round(lowest))
  }

  return bytes
}
