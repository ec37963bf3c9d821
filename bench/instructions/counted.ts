/**
 * The process whose instructions are counted. It says at the end which operations it
 * has done, in their order, and how often in each round.
 */

import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { repeat } from '../operations/operation.ts'
import { countedOperations, ROUNDS, timesOf } from './counted-operations.ts'
import { mark } from './mark.ts'
import type { PeerId } from '@libp2p/interface'

const PEERS = 100

/**
 * The same ones each time, since what a hash table does depends on the names in it
 */
function createPeer (i: number): PeerId {
  const peer = peerIdFromPublicKey(publicKeyFromRaw(new Uint8Array(32).fill(i)))

  peer.toString()

  return peer
}

const counted: Array<{ name: string, times: number }> = []

for (const operation of countedOperations(Array.from({ length: PEERS }, (_, i) => createPeer(i)))) {
  const repeated = await operation.prepare()
  const { inRound, before } = timesOf(operation)

  await repeat(before, operation, repeated)
  mark()

  for (let round = 0; round < ROUNDS; round++) {
    await repeat(inRound, operation, repeated)
    mark()
  }

  counted.push({ name: operation.name, times: inRound })
}

process.stdout.write(JSON.stringify(counted))
