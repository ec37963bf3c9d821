import { once } from 'node:events'
import { muxerOf } from './framework/target.ts'
import type { Attack } from './framework/attack.ts'
import type { Connection } from '@libp2p/interface'
import type { Socket } from 'node:net'

const PINGS = 1_000
const BATCHES = 1_000
const CONNECTIONS = 20
const HEADER_LENGTH = 12

/**
 * What the headers of yamux are made of
 */
const PING = 2
const SYN = 1

/**
 * Frames that have to be answered, without a stream
 */
function pings (): Uint8Array {
  const frames = new Uint8Array(PINGS * HEADER_LENGTH)
  const view = new DataView(frames.buffer)

  for (let offset = 0; offset < frames.length; offset += HEADER_LENGTH) {
    view.setUint8(offset + 1, PING)
    view.setUint16(offset + 2, SYN)
  }

  return frames
}

function socketOf (connection: Connection): Socket {
  return (connection as unknown as { maConn: { socket: Socket } }).maConn.socket
}

/**
 * The answers belong to no stream, so they are the connection's. It has a smaller limit
 * here than by default, which the victim would not come to in a few seconds. On a slow
 * machine answering takes all the time there is, and it does not come to this one either.
 */
export const unreadReplies: Attack = {
  name: 'unread-replies',
  what: 'two peers send pings and never read from the socket, and come again when they are thrown out',
  attackers: 2,
  duration: 4_000,
  honest: 'stranger',
  refused: false,
  manager: { limits: { conn: { memory: 4 * 2 ** 20 } } },
  bounds: { resident: 192 },
  run: async (target) => {
    const node = await target.startNode(target.attacker)

    await target.repeat(CONNECTIONS, 1, async () => {
      const connection = await target.connect(node)
      const socket = socketOf(connection)

      socket.pause()
      await target.repeat(BATCHES, 1, async () => {
        if (connection.status !== 'open') {
          return
        }

        muxerOf(connection).send(pings())

        if (socket.writableNeedDrain) {
          await Promise.race([once(socket, 'drain', { signal: target.signal }), once(socket, 'close')])
        }
      })
    })
  }
}
