/**
 * The process whose instructions are counted. It says at the end which operations it
 * has done, in their order, and how often in each round.
 */

import '../manual-clock.ts'
import { createPeers } from '../peers.ts'
import { repeatCounted } from '../repeat-counted.ts'
import { countedOperations, ROUNDS, timesOf } from './counted-operations.ts'
import { mark } from './mark.ts'

const PEERS = 100

const counted: Array<{ name: string, times: number }> = []

for (const operation of countedOperations(createPeers(PEERS))) {
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
