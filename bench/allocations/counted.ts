/**
 * The process whose allocations are counted. Its argument is the name of an operation, and
 * it says how many bytes that one allocates. With no argument it says which ones there are.
 */

import '../manual-clock.ts'
import { operations } from '../operations.ts'
import { createPeers } from '../peers.ts'
import { repeatCounted } from '../repeat-counted.ts'
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
const WARM_UP = 40_000
const ROUNDS = 5

/**
 * The lowest of several rounds: what the compiler and the collector do in between only
 * ever adds
 */
async function countBytes (operation: Operation): Promise<number> {
  const iterations = operation.times == null ? ITERATIONS : ITERATIONS_AT_ONCE
  const repeated = await operation.prepare()
  let lowest = Infinity

  await repeatCounted(WARM_UP, operation, repeated)

  for (let round = 0; round < ROUNDS; round++) {
    globalThis.gc?.()

    const before = process.memoryUsage().heapUsed

    await repeatCounted(iterations, operation, repeated)
    lowest = Math.min(lowest, (process.memoryUsage().heapUsed - before) / iterations)
  }

  return Math.max(0, Math.round(lowest))
}

const [, , wanted] = process.argv
const counted = operations(createPeers(PEERS)).filter(({ timeOnly }) => timeOnly !== true)
const operation = counted.find(({ name }) => name === wanted)

process.stdout.write(JSON.stringify(operation == null ? counted.map(({ name }) => name) : await countBytes(operation)))
