import { encodeFrame } from '../framework/web-socket-client.ts'
import { webSocketOf } from '../framework/web-sockets-from.ts'
import type { Attack } from '../framework/attack.ts'
import type { Socket } from 'node:net'

/**
 * Just below what `ws` takes by default, in bytes
 */
const MESSAGE_LENGTH = 99 * 2 ** 20
const SENT_LENGTH = 94 * 2 ** 20
const CHUNK = new Uint8Array(2 ** 20).fill(7)

/**
 * All that the receiver must keep of a message whose end does not come
 */
async function sendMost (socket: Socket): Promise<void> {
  socket.resume()
  socket.write(encodeFrame({ length: MESSAGE_LENGTH }))

  for (let sent = 0; sent < SENT_LENGTH && socket.writable; sent += CHUNK.byteLength) {
    if (!socket.write(CHUNK)) {
      await new Promise(resolve => socket.once('drain', resolve).once('close', resolve))
    }
  }
}

export const unfinishedMessages: Attack = {
  name: 'unfinished-messages',
  what: '8 WebSockets send most of a message of 99 MiB before any handshake',
  setup: 'default',
  via: 'websockets',
  attackers: 1,
  honest: 'stranger',
  refused: false,
  bounds: { resident: 192 },
  run: async (target) => {
    await Promise.all(Array.from({ length: 8 }, async (_, i) => sendMost(await target.openWebSocket(i))))
  }
}

export const unfinishedMessagesOfPeers: Attack = {
  name: 'unfinished-messages-of-peers',
  what: '4 peers send most of a message of 99 MiB after a complete handshake',
  setup: 'default',
  via: 'websockets',
  attackers: 1,
  honest: 'stranger',
  refused: false,
  bounds: { resident: 192 },
  run: async (target) => {
    await Promise.all(Array.from({ length: 4 }, async (_, i) => {
      await sendMost(webSocketOf(await target.connect(await target.startNode(i))))
    }))
  }
}
