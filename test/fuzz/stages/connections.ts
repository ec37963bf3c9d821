import { setTimeout as sleep } from 'node:timers/promises'
import { upgradeAnswer } from '../../attacks/framework/web-socket-client.ts'
import { below, chance, concat, disorder, hugeBytes, oddVarint, randomBytes, randomLength, spoil, text, varint } from '../framework/bytes.ts'
import { DIAL } from '../framework/protocols.ts'
import { spoilWrites } from '../framework/spoilt-writes.ts'
import { muxerFrames } from './frames.ts'
import { multistreamMessages, PROTOCOLS } from './multistream.ts'
import { firstBytes, nodeMessages, webSocketFrames } from './sockets.ts'
import type { Situation, Stage } from './stage.ts'
import type { Random } from '../../attacks/framework/random.ts'
import type { HostileMuxer } from '../../attacks/framework/target.ts'
import type { Stack } from '../framework/stacks.ts'
import type { Connection, Stream } from '@libp2p/interface'
import type { Socket } from 'node:net'

/**
 * How long a victim has to do something with what it has been sent, in ms
 */
const MAX_PATIENCE = 40

/**
 * Where writes are spoilt
 */
const LAYERS = ['socket', 'handshake', 'secured'] as const

/**
 * Protocols that are spoken over streams
 */
const STREAM_PROTOCOLS = PROTOCOLS.filter(protocol => !/^\/(noise|plaintext|tls|yamux|mplex)/.test(protocol))

const MAX_STREAMS = 12

async function patience (random: Random): Promise<void> {
  await sleep(below(random, MAX_PATIENCE))
}

function muxer (connection: Connection): HostileMuxer {
  return (connection as any).muxer
}

/**
 * Sends as long as the connection lasts
 */
function sendAll (to: { send (data: Uint8Array): boolean }, chunks: Uint8Array[]): void {
  try {
    chunks.forEach(chunk => { to.send(chunk) })
  } catch {
    // the victim defends itself
  }
}

/**
 * One of the ways in which a connection ends
 */
async function end (connection: Connection, { random, signal }: Situation): Promise<void> {
  await patience(random)

  if (chance(random, 0.3)) {
    await connection.close({ signal })
  } else if (chance(random, 0.5)) {
    connection.abort(new Error('enough'))
  }
}

async function connect ({ hostile, address, signal }: Situation): Promise<Connection> {
  return hostile.connect(address, signal)
}

/**
 * Fields of protocol buffers that may or may not mean something
 */
function protobuf (random: Random, depth: number = 0): Uint8Array {
  return concat(...Array.from({ length: below(random, 6) }, () => {
    const type = chance(random, 0.9) ? random.pick([0, 2]) : below(random, 8)
    const tag = varint((chance(random, 0.9) ? 1 + below(random, 8) : below(random, 0x20000000)) * 8 + type)

    if (type !== 2) {
      return concat(tag, oddVarint(random))
    }

    const value = depth < 2 && chance(random, 0.5) ? protobuf(random, depth + 1) : randomBytes(random, randomLength(random))

    return concat(tag, chance(random, 0.9) ? varint(value.byteLength) : oddVarint(random), value)
  }))
}

/**
 * What a handler gets, whatever its protocol
 */
function protocolMessages (random: Random): Uint8Array[] {
  return disorder(random, Array.from({ length: 1 + below(random, 4) }, () => {
    const payload = chance(random, 0.7) ? protobuf(random) : randomBytes(random, randomLength(random))

    return random.next() < 0.1 ? hugeBytes(random) : concat(chance(random, 0.9) ? varint(payload.byteLength) : oddVarint(random), payload)
  }))
}

async function endStream (stream: Stream, { random, signal }: Situation): Promise<void> {
  await patience(random)

  if (chance(random, 0.4)) {
    stream.abort(new Error('enough'))
  } else if (chance(random, 0.6)) {
    await stream.close({ signal })
  }
}

/**
 * Opens a stream and leaves the negotiation to the case
 */
async function negotiate (situation: Situation, connection: Connection): Promise<void> {
  const { random } = situation
  const stream = await muxer(connection).createStream()

  if (chance(random, 0.5)) {
    spoilWrites(stream, random)
  }

  sendAll(stream, multistreamMessages(random, STREAM_PROTOCOLS))
  sendAll(stream, chance(random, 0.5) ? protocolMessages(random) : [])
  await endStream(stream, situation)
}

async function speak (situation: Situation, connection: Connection): Promise<void> {
  const { random, signal } = situation
  const stream = await connection.newStream(random.pick(STREAM_PROTOCOLS), { signal, maxOutboundStreams: Infinity })

  // does not read what the victim sends
  if (chance(random, 0.2)) {
    stream.pause()
  }

  sendAll(stream, protocolMessages(random))
  await endStream(stream, situation)
}

async function onStreams (situation: Situation, act: (situation: Situation, connection: Connection) => Promise<void>): Promise<void> {
  const connection = await connect(situation)

  await Promise.allSettled(Array.from({ length: 1 + below(situation.random, MAX_STREAMS) }, async () => act(situation, connection)))
  await end(connection, situation)
}

/**
 * Asks the victim to dial
 */
async function askForDial (situation: Situation, connection: Connection, address: string): Promise<void> {
  const stream = await connection.newStream(DIAL, { signal: situation.signal })
  const bytes = text(address)

  stream.send(concat(varint(bytes.byteLength), bytes))
  await new Promise<void>((resolve) => {
    stream.addEventListener('remoteCloseWrite', () => { resolve() }, { once: true })
    stream.addEventListener('close', () => { resolve() }, { once: true })
    situation.signal.addEventListener('abort', () => { resolve() }, { once: true })
  })
}

/**
 * What a victim gets that has dialled a socket
 */
function answerDial (socket: Socket, random: Random, { via }: Stack): void {
  const send = (chunks: Uint8Array[]): void => { chunks.forEach(chunk => { socket.write(chunk) }) }

  if (via === 'tcp' || via === 'relay') {
    send(nodeMessages(random))
  } else if (chance(random, 0.2)) {
    send(firstBytes(random))
  } else {
    socket.once('data', request => {
      const answer = text(upgradeAnswer(String(request)))

      send(chance(random, 0.8) ? [answer, ...webSocketFrames(random, false)] : [spoil(random, answer)])
    })
  }

  if (chance(random, 0.5)) {
    socket.resume()
    setTimeout(() => { socket.end() }, below(random, MAX_PATIENCE))
  }
}

const everywhere = (): boolean => true

/**
 * WebRTC has an encryption and a muxer of its own
 */
const inLayers = ({ webRtc }: Stack): boolean => !webRtc

export const CONNECTION_STAGES: Stage[] = [
  {
    name: 'spoilt writes',
    applies: inLayers,
    run: async (situation) => {
      const { hostile, random } = situation

      hostile.plan = { [random.pick(LAYERS)]: (stream: any) => { spoilWrites(stream, random) } }

      const connection = await connect(situation)

      await Promise.allSettled([
        connection.newStream('/ipfs/ping/1.0.0', { signal: situation.signal }),
        negotiate(situation, connection)
      ])
      await end(connection, situation)
    }
  },
  {
    name: 'handshake',
    applies: inLayers,
    run: async (situation) => {
      const { hostile, random } = situation

      hostile.plan = {
        handshake: connection => {
          sendAll(connection, disorder(random, Array.from({ length: 1 + below(random, 4) }, () => randomBytes(random, randomLength(random)))))

          if (chance(random, 0.5)) {
            throw new Error('that was the handshake')
          }
        }
      }
      await connect(situation)
    }
  },
  {
    name: 'frames as soon as possible',
    applies: inLayers,
    run: async (situation) => {
      const { hostile, random, stack } = situation

      hostile.plan = {
        [random.pick(['secured', 'muxer'] as const)]: (to: any) => { sendAll(to, muxerFrames(random, stack.muxer)) }
      }
      await end(await connect(situation), situation)
    }
  },
  {
    name: 'frames of the muxer',
    applies: inLayers,
    run: async (situation) => {
      const { random, stack } = situation
      const connection = await connect(situation)

      for (let bursts = 1 + below(random, 3); bursts > 0; bursts--) {
        sendAll(muxer(connection), muxerFrames(random, stack.muxer))
        await patience(random)
      }

      await end(connection, situation)
    }
  },
  {
    name: 'negotiation of a stream',
    applies: everywhere,
    run: async (situation) => onStreams(situation, negotiate)
  },
  {
    name: 'in a protocol',
    applies: everywhere,
    run: async (situation) => onStreams(situation, speak)
  },
  {
    name: 'the victim dials',
    applies: ({ via, webRtc }) => via !== 'memory' && !webRtc,
    run: async (situation) => {
      const { hostile, random, stack } = situation
      const connection = await connect(situation)

      hostile.plan = {
        [random.pick(LAYERS)]: (stream: any) => {
          if (chance(random, 0.5)) {
            spoilWrites(stream, random)
          } else {
            sendAll(stream, multistreamMessages(random))
          }
        },
        ...(chance(random, 0.4) ? { muxer: (to: HostileMuxer) => { sendAll(to, muxerFrames(random, stack.muxer)) } } : {})
      }

      await askForDial(situation, connection, random.pick(situation.listening))
    }
  },
  {
    name: 'the victim dials a socket',
    applies: ({ via, webRtc }) => via !== 'memory' && !webRtc,
    run: async (situation) => {
      const { random, server, stack } = situation
      const connection = await connect(situation)

      server.answer = socket => { answerDial(socket, random, stack) }
      await askForDial(situation, connection, server.address)
    }
  }
]
