import { connectionOperations } from '../operations/connections.ts'
import { refusalOperations } from '../operations/refusals.ts'
import { sessionOperations } from '../operations/sessions.ts'
import { streamOperations } from '../operations/streams.ts'
import { wiringOperations } from '../operations/wiring.ts'
import type { Operation } from '../operations/operation.ts'
import type { PeerId } from '@libp2p/interface'

export interface Counted {
  name: string

  /** How often it is done in a round */
  times: number
}

/**
 * How often an operation is counted. The lowest count is what it takes: what the compiler
 * and the collector do in between only ever adds.
 */
export const ROUNDS = 8

/**
 * How often an operation is done while it is counted
 */
export function timesPerRound ({ times }: Operation): number {
  return times == null ? 2_000 : 500
}

/**
 * Those that do not take too long where everything is 50 times slower
 *
 * @param peers - 100 of them
 */
export function countedOperations (peers: PeerId[]): Operation[] {
  const all = [
    ...streamOperations(peers),
    ...connectionOperations(peers),
    ...refusalOperations(peers),
    ...wiringOperations(peers),
    ...sessionOperations()
  ].filter(({ name, timeOnly }) => timeOnly !== true && !name.includes('0000 '))

  // with so few peers some are the same
  return [...new Map(all.map(operation => [operation.name, operation])).values()]
}
