import { createManager, FULL } from './operation.ts'
import type { Operation } from './operation.ts'
import type { PeerId } from '@libp2p/interface'

/**
 * What does not fit, and no exception is thrown for
 */
export function refusalOperations ([peer]: PeerId[]): Operation[] {
  return [
    {
      name: 'refused stream',
      prepare () {
        const manager = createManager(FULL)

        return () => { manager.core.openStream(peer, 'inbound') }
      }
    },
    {
      name: 'refused connection',
      prepare () {
        const manager = createManager(FULL)

        return () => { manager.core.openConnection('inbound', true) }
      }
    }
  ]
}
