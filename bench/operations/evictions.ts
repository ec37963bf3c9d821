import { setImmediate } from 'node:timers/promises'
import { multiaddr } from '@multiformats/multiaddr'
import { limitsWith } from './operation.ts'
import { WiredNode } from './wired-node.ts'
import type { Operation } from './operation.ts'
import type { WiredConnection } from './wired-node.ts'
import type { ResourceManagerInit } from '../../src/index.ts'
import type { PeerId } from '@libp2p/interface'

const MESSAGE = new Uint8Array(64)

/**
 * Between turns of the event loop what is over can be forgotten, as on a real node
 */
const STREAMS_PER_TURN = 50

/**
 * How much one peer holds, which is all there is
 */
const HELD = 256

/**
 * Loopback addresses may connect as often as they like, and this one is in another network
 * than the one that holds everything
 */
const ELSEWHERE = multiaddr('/ip4/127.1.0.1/tcp/4001')

const FULL: ResourceManagerInit = {
  ...limitsWith({
    system: { streams: 2 * HELD, streamsInbound: HELD, conns: 2 * HELD, connsInbound: HELD, fd: 2 * HELD },
    peerDefault: { streams: 2 * HELD, streamsInbound: 2 * HELD, conns: 2 * HELD, connsInbound: 2 * HELD },
    protocolDefault: { streams: 2 * HELD, streamsInbound: 2 * HELD },
    protocolPeerDefault: { streams: 2 * HELD, streamsInbound: 2 * HELD }
  }),
  // more connections than remotes may begin in a second
  fairness: { handshakes: false },
  warnings: false
}

function opened (connection: WiredConnection | undefined): WiredConnection {
  if (connection == null) {
    throw new Error('a connection was refused that should not have been')
  }

  return connection
}

/**
 * One peer holds everything. A stranger opens one, for which the peer gives way, and closes
 * it, and the peer opens another one: two are opened and closed each time, and one of these is
 * for want of room.
 */
export function evictionOperations ([peer, stranger]: PeerId[]): Operation[] {
  return [
    {
      name: 'wired stream, evicted for a newcomer and opened again',
      times: STREAMS_PER_TURN,
      async prepare () {
        const node = await WiredNode.start(peer, FULL)
        const holder = opened(await node.connect())
        const newcomer = opened(await node.connect(stranger, ELSEWHERE))
        let served = 0

        for (let i = 0; i < HELD; i++) {
          holder.holdStream()
        }

        return async () => {
          for (let i = 0; i < STREAMS_PER_TURN; i++) {
            newcomer.stream(MESSAGE)
            holder.holdStream()
          }

          served += STREAMS_PER_TURN

          if (newcomer.handled !== served) {
            throw new Error('a newcomer was refused')
          }

          await setImmediate()
        }
      }
    },
    {
      name: 'wired connection, evicted for a newcomer and opened again',
      timeOnly: true,
      async prepare () {
        const node = await WiredNode.start(peer, FULL)

        for (let i = 0; i < HELD; i++) {
          opened(await node.connect())
        }

        return async () => {
          opened(await node.connect(stranger, ELSEWHERE)).close()
          opened(await node.connect())
        }
      }
    }
  ]
}
