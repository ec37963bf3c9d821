import { once } from 'node:events'
import { encodeFrame, OPCODE, openSocket, openWebSocket, upgradeRequest } from '../../attacks/framework/web-socket-client.ts'
import { below, chance, concat, disorder, hugeBytes, oddLength, oddVarint, randomBytes, randomLength, spoil, text } from '../framework/bytes.ts'
import { multistreamMessages } from './multistream.ts'
import type { Situation, Stage } from './stage.ts'
import type { Random } from '../../attacks/framework/random.ts'
import type { Stack } from '../framework/stacks.ts'
import type { Socket } from 'node:net'

/**
 * How long a victim has to do something with what it has been sent, in ms
 */
const MAX_PATIENCE = 40

/**
 * The beginning of a TLS handshake: a record with a ClientHello of 512 bytes
 */
const CLIENT_HELLO = Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3)

function overWebSockets ({ via }: Stack): boolean {
  return via === 'websockets' || via === 'secure websockets'
}

function hasSocket ({ via }: Stack): boolean {
  return via === 'tcp' || via === 'websockets' || via === 'secure websockets'
}

/**
 * Writes what is still possible to write, and lets the victim have a look at it
 */
async function writeAll (socket: Socket, chunks: Uint8Array[], random: Random): Promise<void> {
  for (const chunk of chunks) {
    if (!socket.writable) {
      break
    }

    socket.write(chunk)
  }

  await Promise.race([
    once(socket, 'close'),
    new Promise(resolve => setTimeout(resolve, below(random, MAX_PATIENCE)))
  ])
}

/**
 * One of the ways in which a connection ends
 */
function end (socket: Socket, { random, keep }: Situation): void {
  keep(socket)

  switch (below(random, 4)) {
    case 0:
      socket.end()
      break
    case 1:
      socket.destroy()
      break
    case 2:
      // does not read what the victim sends any more
      socket.pause()
      break
    default:
      // only TCP can be reset
      if (!('encrypted' in socket)) {
        socket.resetAndDestroy()
      }
  }
}

/**
 * What a listener may be sent first, whatever it expects
 */
export function firstBytes (random: Random): Uint8Array[] {
  switch (below(random, 8)) {
    case 0:
      return []
    case 1:
      return [randomBytes(random, randomLength(random))]
    case 2:
      return [CLIENT_HELLO, randomBytes(random, randomLength(random))]
    case 3:
      return [hugeBytes(random)]
    case 4:
      return [spoil(random, text(upgradeRequest()))]
    case 5:
      return [text(`GET / HTTP/1.1\r\n${`${'a'.repeat(1 + below(random, 100))}: b\r\n`.repeat(below(random, 1000))}`)]
    case 6:
      return disorder(random, [text(upgradeRequest()), ...webSocketFrames(random)])
    default:
      return disorder(random, multistreamMessages(random))
  }
}

/**
 * A message after a length of two bytes, as in a handshake of noise
 */
function noiseMessage (random: Random): Uint8Array {
  const payload = randomBytes(random, random.pick([0, 1, 31, 32, 33, 48, 96, 200]))
  const length = chance(random, 0.8) ? payload.byteLength : oddLength(random)

  return concat(Uint8Array.of(length >> 8 & 0xff, length & 0xff), payload)
}

/**
 * What nobody should send to a node, and what it expects mixed with it
 */
export function nodeMessages (random: Random): Uint8Array[] {
  return disorder(random, [
    ...multistreamMessages(random),
    ...Array.from({ length: below(random, 4) }, () => chance(random, 0.7) ? noiseMessage(random) : concat(oddVarint(random), randomBytes(random, randomLength(random))))
  ])
}

/**
 * Frames in and out of order
 *
 * @param random
 * @param masked - Whether those that are in order are masked, as clients do
 */
export function webSocketFrames (random: Random, masked: boolean = true): Uint8Array[] {
  return Array.from({ length: 1 + below(random, 6) }, () => {
    const payload = chance(random, 0.1) ? hugeBytes(random) : concat(...nodeMessages(random)).subarray(0, 100_000)
    const inOrder = chance(random, 0.4)

    return encodeFrame({
      payload,
      opcode: inOrder ? OPCODE.binary : below(random, 16),
      fin: inOrder || chance(random, 0.6),
      reserved: inOrder || chance(random, 0.7) ? 0 : below(random, 8),
      masked: (inOrder || chance(random, 0.8)) === masked,
      length: inOrder || chance(random, 0.7) ? undefined : oddLength(random)
    })
  })
}

/**
 * What the WebSocket library of the victim must refuse, each for a reason of its own (RFC 6455)
 */
const INVALID_FRAMES: Array<(random: Random) => Buffer> = [
  random => encodeFrame({ reserved: 1 + below(random, 7) }),
  random => encodeFrame({ opcode: 3 + below(random, 5) }),
  random => encodeFrame({ opcode: 11 + below(random, 5) }),
  () => encodeFrame({ masked: false, payload: text('not masked') }),
  () => encodeFrame({ opcode: OPCODE.ping, fin: false }),
  () => encodeFrame({ opcode: OPCODE.ping, payload: new Uint8Array(126) }),
  () => encodeFrame({ opcode: OPCODE.close, payload: Uint8Array.of(1) }),
  random => encodeFrame({ opcode: OPCODE.close, payload: Uint8Array.of(random.pick([0, 3, 255]), below(random, 256)) }),
  () => encodeFrame({ opcode: OPCODE.close, payload: Uint8Array.of(3, 232, 0xff) }),
  () => encodeFrame({ opcode: OPCODE.text, payload: Uint8Array.of(0xff, 0xfe) }),
  () => encodeFrame({ opcode: OPCODE.continuation }),
  () => Buffer.concat([encodeFrame({ fin: false }), encodeFrame({})]),
  () => encodeFrame({ length: 200 * 2 ** 20 }),
  () => encodeFrame({ length: Number.MAX_SAFE_INTEGER })
]

async function invalidFrame (situation: Situation): Promise<void> {
  const { random, signal, localAddress } = situation
  const socket = await openWebSocket({ ...situation.socket, localAddress, signal })

  socket.resume()
  await writeAll(socket, disorder(random, [
    ...(chance(random, 0.5) ? [encodeFrame({ payload: concat(...multistreamMessages(random)).subarray(0, 1000) })] : []),
    random.pick(INVALID_FRAMES)(random)
  ]), random)
  end(socket, situation)
}

export const SOCKET_STAGES: Stage[] = [
  {
    name: 'raw socket',
    applies: hasSocket,
    run: async (situation) => {
      const { random, signal, localAddress } = situation
      const socket = await openSocket({ ...situation.socket, localAddress, signal, secure: situation.socket.secure === true && chance(random, 0.7) })

      socket.resume()
      await writeAll(socket, firstBytes(random), random)
      end(socket, situation)
    }
  },
  {
    name: 'multistream and handshake by hand',
    applies: ({ via }) => via === 'tcp',
    run: async (situation) => {
      const { random, signal, localAddress } = situation
      const socket = await openSocket({ ...situation.socket, localAddress, signal })

      if (chance(random, 0.7)) {
        socket.resume()
      }

      await writeAll(socket, nodeMessages(random), random)
      end(socket, situation)
    }
  },
  {
    name: 'frames of a WebSocket',
    applies: overWebSockets,
    run: async (situation) => {
      const { random, signal, localAddress } = situation
      const socket = await openWebSocket({ ...situation.socket, localAddress, signal })

      if (chance(random, 0.7)) {
        socket.resume()
      }

      await writeAll(socket, webSocketFrames(random), random)
      end(socket, situation)
    }
  },
  { name: 'invalid frame of a WebSocket', applies: overWebSockets, run: invalidFrame }
]
