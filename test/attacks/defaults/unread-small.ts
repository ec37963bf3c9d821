import { DOWNLOAD } from '../framework/protocols.ts'
import type { Attack } from '../framework/attack.ts'

const PEERS = 4
const STREAMS = 32

/**
 * Less than the window of a stream, so that each looks harmless
 */
const UNREAD = new Uint8Array(155 * 1024).fill(7)

/**
 * Together they fill what the buffers of a protocol may, and each of their streams holds less
 * than a download
 */
function unreadSmall (via: 'tcp' | 'websockets'): Attack {
  return {
    name: `unread-small-${via}`,
    what: `8 peers leave 155 KiB unread on each of 32 streams of the protocol that others download with, over ${via}`,
    setup: 'default',
    via,
    attackers: 2,
    honest: 'stranger',
    refused: false,
    bounds: { resident: 256 },
    run: async (target) => {
      const nodes = await Promise.all(Array.from({ length: PEERS }, async (_, i) => target.startNode(target.attacker * PEERS + i)))
      const connections = await Promise.all(nodes.map(async node => target.connect(node)))

      // as often as they are ended
      while (!target.signal.aborted) {
        await target.repeat(PEERS * STREAMS, 8, async i => {
          const connection = connections[i % PEERS]

          if (connection.streams.filter(({ protocol }) => protocol === DOWNLOAD).length < STREAMS) {
            const stream = await connection.newStream(DOWNLOAD, { maxOutboundStreams: Infinity, signal: target.signal })

            stream.send(Uint8Array.of(0))
            stream.send(UNREAD)
          }
        })
      }
    }
  }
}

export const unreadSmallTcp = unreadSmall('tcp')
export const unreadSmallWebSockets = unreadSmall('websockets')
