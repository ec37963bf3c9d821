import { createManager, LIMITED, limitsWith, NEVER_REACHED, openStream, populate, UNLIMITED } from './operation.ts'
import type { Operation } from './operation.ts'
import type { ResourceManagerInit } from '../../src/index.ts'
import type { PeerId } from '@libp2p/interface'

const MESSAGE_SIZE = 4096

/**
 * How peers take turns: one after the other, or in an order that no cache can guess
 */
const ORDERS = { 'in turn': 1, 'at random': 7_919 }

function streamLife (name: string, init: ResourceManagerInit, peers: PeerId[], order: keyof typeof ORDERS = 'in turn'): Operation {
  const stride = ORDERS[order]

  return {
    name: `stream life, ${name}, ${peers.length === 1 ? '1 peer' : `${peers.length} peers ${order}`}`,
    prepare () {
      const manager = createManager(init)
      let next = 0

      populate(manager, peers)

      return () => {
        next = (next + stride) % peers.length
        openStream(manager, peers[next], '/bench/1', 'bench-1').done()
      }
    }
  }
}

/**
 * The life of a stream, and the memory that it reserves
 */
export function streamOperations (peers: PeerId[]): Operation[] {
  const [peer] = peers
  const named = peers.slice(0, 1_000)
  const withNamedPeers = limitsWith({
    ...NEVER_REACHED,
    peer: Object.fromEntries(named.map(peer => [peer.toString(), { streams: 100, streamsInbound: 100 }]))
  })

  return [
    ...[1, 100, 10_000].flatMap(count => [
      streamLife('unlimited', UNLIMITED, peers.slice(0, count)),
      streamLife('limited', LIMITED, peers.slice(0, count))
    ]),
    streamLife('limited', LIMITED, peers.slice(0, 10_000), 'at random'),
    streamLife('limits of their own', withNamedPeers, named),
    streamLife('limited', LIMITED, named),
    {
      name: 'reserve and release, attached stream',
      prepare () {
        const stream = openStream(createManager(LIMITED), peer)

        return () => {
          stream.reserveMemory(MESSAGE_SIZE)
          stream.releaseMemory(MESSAGE_SIZE)
        }
      }
    },
    {
      name: 'span with one reservation',
      prepare () {
        const stream = openStream(createManager(LIMITED), peer)

        return () => {
          const span = stream.beginSpan()

          span.reserveMemory(MESSAGE_SIZE)
          span.done()
        }
      }
    }
  ]
}
