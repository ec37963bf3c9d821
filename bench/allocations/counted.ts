/**
 * The process whose allocations are counted. It says how many bytes each operation
 * allocates.
 */

import { operations } from '../operations.ts'
import { repeat } from '../operations/operation.ts'
import { createPeers } from '../peers.ts'
import type { Operation } from '../operations/operation.ts'

const PEERS = 10_000

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
 * The lowest of several rounds: what the compiler and the collector do in between only
 * ever adds
 */
async function countBytes (operation: Operation): Promise<number> {
  const iterations = operation.times == null ? ITERATIONS : ITERATIONS_AT_ONCE
  const repeated = await operation.prepare()
  let lowest = Infinity

  await repeat(WARM_UP, operation, repeated)

  for (let round = 0; round < ROUNDS; round++) {
    globalThis.gc?.()

    const before = process.memoryUsage().heapUsed

    await repeat(iterations, operation, repeated)
    lowest = Math.min(lowest, (process.memoryUsage().heapUsed - before) / iterations)
  }

  return Math.max(0, Math.round(lowest))
}

const bytes: Record<string, number> = {}

for (const operation of operations(createPeers(PEERS)).filter(({ timeOnly }) => timeOnly !== true)) {
  bytes[operation.name] = await countBytes(operation)
}

process.stdout.write(JSON.stringify(bytes))
