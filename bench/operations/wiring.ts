import { setImmediate } from 'node:timers/promises'
import { limitsWith, PROTOCOL, SERVICE } from './operation.ts'
import { WiredNode } from './wired-node.ts'
import type { Operation } from './operation.ts'
import type { ResourceManagerInit } from '../../src/index.ts'
import type { PeerId } from '@libp2p/interface'

const MESSAGE = new Uint8Array(64)

/**
 * Between turns of the event loop what is over can be forgotten, as on a real node
 */
const STREAMS_PER_TURN = 50

const WIRED: ResourceManagerInit = {
  ...limitsWith({}),
  // more connections than remotes may begin in a second
  fairness: { handshakes: false },
  services: { [SERVICE]: [PROTOCOL] }
}

/**
 * The hooks of a node: what libp2p's own objects cost is in all of these, so compare
 * them with what they cost without a manager
 */
export function wiringOperations ([peer]: PeerId[]): Operation[] {
  const stream = (name: string, init: ResourceManagerInit | false, isHandled: boolean, timeOnly = false): Operation => ({
    name: `wired stream, ${name}`,
    times: STREAMS_PER_TURN,
    timeOnly,
    async prepare () {
      const connection = await (await WiredNode.start(peer, init)).connect()
      let handled = 0

      if (connection == null) {
        throw new Error('the connection was refused')
      }

      return async () => {
        for (let i = 0; i < STREAMS_PER_TURN; i++) {
          connection.stream(MESSAGE)
          handled += isHandled ? 1 : 0
        }

        if (connection.handled !== handled) {
          throw new Error('a stream was refused that should not have been, or the other way round')
        }

        await setImmediate()
      }
    }
  })

  const connection = (name: string, init: ResourceManagerInit | false, isOpened: boolean): Operation => ({
    name: `wired connection, ${name}`,
    timeOnly: true,
    async prepare () {
      const node = await WiredNode.start(peer, init)

      return async () => {
        const connection = await node.connect()

        if ((connection != null) !== isOpened) {
          throw new Error('a connection was refused that should not have been, or the other way round')
        }

        connection?.close()
      }
    }
  })

  return [
    stream('no manager', false, true),
    stream('admitted', WIRED, true),
    stream('admitted, without fairness', { ...WIRED, fairness: false }, true),
    stream('admitted, with a session', { ...WIRED, sessions: { collectors: { [SERVICE]: {} } } }, true, true),
    stream('refused', { ...WIRED, ...limitsWith({ system: { streamsInbound: 0 } }) }, false),
    connection('no manager', false, true),
    connection('admitted', WIRED, true),
    connection('admitted, without fairness', { ...WIRED, fairness: false }, true),
    connection('refused', { ...WIRED, ...limitsWith({ system: { connsInbound: 0 } }) }, false)
  ]
}
