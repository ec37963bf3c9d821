import { byHandOperations } from './operations/by-hand.ts'
import { connectionOperations } from './operations/connections.ts'
import { evictionOperations } from './operations/evictions.ts'
import { refusalOperations } from './operations/refusals.ts'
import { reportedLives, viewOperations } from './operations/reporting.ts'
import { sessionOperations } from './operations/sessions.ts'
import { streamOperations } from './operations/streams.ts'
import { wiringOperations } from './operations/wiring.ts'
import type { Operation } from './operations/operation.ts'
import type { PeerId } from '@libp2p/interface'

/**
 * Everything that is measured
 *
 * @param peers - 10,000 of them
 */
export function operations (peers: PeerId[]): Operation[] {
  return [
    ...streamOperations(peers),
    ...connectionOperations(peers),
    ...refusalOperations(peers),
    ...wiringOperations(peers),
    ...evictionOperations(peers),
    ...byHandOperations(peers),
    ...reportedLives(peers),
    ...sessionOperations(),
    ...viewOperations(peers)
  ]
}
