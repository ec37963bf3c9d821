import { repeatCounted } from '../repeat-counted.ts'
import { ROUNDS, timesOf } from './counted-operations.ts'
import { mark } from './mark.ts'
import type { Operation } from '../operations/operation.ts'

/**
 * Does operations, with a mark before each and after each of its rounds, and says at the end which it
 * has done, in their order, and how often in each round
 */
export async function countEach (operations: Operation[]): Promise<void> {
  const counted: Array<{ name: string, times: number }> = []

  for (const operation of operations) {
    const repeated = await operation.prepare()
    const { inRound, before } = timesOf(operation)

    await repeatCounted(before, operation, repeated)
    mark()

    for (let round = 0; round < ROUNDS; round++) {
      await repeatCounted(inRound, operation, repeated)
      mark()
    }

    counted.push({ name: operation.name, times: inRound })
  }

  process.stdout.write(JSON.stringify(counted))
}
