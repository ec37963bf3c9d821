/**
 * The process whose instructions are counted. It says at the end which operations it
 * has done, in their order, and how often in each round.
 */

import { repeat } from '../operations/operation.ts'
import { createPeers } from '../peers.ts'
import { countedOperations, ROUNDS, timesPerRound } from './counted-operations.ts'
import type { Counted } from './counted-operations.ts'

const PEERS = 100

/**
 * How many rounds are not counted, while most of the compiling is done
 */
const WARM_UP = 10

/**
 * What comes before is counted apart from what comes after
 */
function mark (): void {
  process.cpuUsage()
}

const counted: Counted[] = []

for (const operation of countedOperations(await createPeers(PEERS))) {
  const repeated = await operation.prepare()
  const times = timesPerRound(operation)

  await repeat(WARM_UP * times, operation, repeated)
  mark()

  for (let round = 0; round < ROUNDS; round++) {
    await repeat(times, operation, repeated)
    mark()
  }

  counted.push({ name: operation.name, times })
}

process.stdout.write(JSON.stringify(counted))
