import { byHandOperations } from '../operations/by-hand.ts'
import { connectionOperations } from '../operations/connections.ts'
import { evictionOperations } from '../operations/evictions.ts'
import { refusalOperations } from '../operations/refusals.ts'
import { sessionOperations } from '../operations/sessions.ts'
import { streamOperations } from '../operations/streams.ts'
import { wiringOperations } from '../operations/wiring.ts'
import type { Operation } from '../operations/operation.ts'
import type { PeerId } from '@libp2p/interface'

/**
 * How often each operation is counted. The lowest count is what it takes: what the
 * compiler does in between only ever adds.
 */
export const ROUNDS = 6

/**
 * What the loop takes in which the operations are done, and every count is less this
 */
export const NOTHING: Operation = { name: 'nothing', prepare: () => () => {} }

/**
 * One for each thing that the manager does: where everything is 50 times slower, there is
 * no time for variants of it
 */
const NAMES = [
  'stream life, limited, 1 peer',
  'stream life, limited, 100 peers in turn',
  'reserve and release, attached stream',
  'span with one reservation',
  'connection life, without an address',
  'connection life, with subnet and rate decisions, IPv4',
  'refused stream',
  'refused connection',
  'wired stream, no manager',
  'wired stream, admitted',
  'wired stream, refused',
  'session ingress and egress, 1 session',
  'session life, one message each way',
  'who gives way, 1000 peers',
  'bytes in a buffer counted, and not any more',
  // last, because what is counted of an operation depends on those before it
  'wired stream, evicted for a newcomer and opened again'
]

/**
 * How often an operation is done in a round, and before: as often as it takes until the
 * compiler has nothing left to do with it
 */
export function timesOf ({ times }: Operation): { inRound: number, before: number } {
  return times == null ? { inRound: 500, before: 20_000 } : { inRound: 200, before: 3_600 }
}

/**
 * @param peers - 100 of them
 */
export function countedOperations (peers: PeerId[]): Operation[] {
  const all = [
    ...streamOperations(peers),
    ...connectionOperations(peers),
    ...refusalOperations(peers),
    ...wiringOperations(peers),
    ...evictionOperations(peers),
    ...sessionOperations(),
    ...byHandOperations(peers)
  ]

  return [NOTHING, ...NAMES.map(name => {
    const operation = all.find(operation => operation.name === name)

    if (operation == null) {
      throw new Error(`there is no operation "${name}"`)
    }

    return operation
  })]
}
