import { repeat } from './operations/operation.ts'
import { spreadOf } from './statistics.ts'
import type { Operation } from './operations/operation.ts'
import type { Spread } from './statistics.ts'

const ROUNDS = 200

/**
 * How often an operation is done in a round: a few milliseconds
 */
const TIMES = 10_000

/**
 * How many rounds are not counted, while the compiler works
 */
const WARM_UP = 20

/**
 * Times an operation and variants of it in turn, so that whatever else the machine does
 * hits all of them alike
 *
 * @returns What each variant takes, as a multiple of what the first operation takes in
 * the same round
 */
export async function measureRatios (operations: Operation[]): Promise<Record<string, Spread>> {
  const prepared = await Promise.all(operations.map(async operation => ({
    operation,
    repeated: await operation.prepare(),
    durations: [] as number[]
  })))

  for (let round = -WARM_UP; round < ROUNDS; round++) {
    for (const { durations, operation, repeated } of prepared) {
      const start = performance.now()

      await repeat(TIMES, operation, repeated)

      if (round >= 0) {
        durations.push(performance.now() - start)
      }
    }
  }

  const [first, ...others] = prepared

  return Object.fromEntries(others.map(({ durations, operation }) => [
    operation.name,
    spreadOf(durations.map((duration, i) => duration / first.durations[i]))
  ]))
}
