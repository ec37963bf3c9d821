import { createSocket } from 'node:dgram'
import { setTimeout as sleep } from 'node:timers/promises'
import { bindingRequest } from '../../libp2p/fixtures/stun.ts'
import { below, chance, concat, disorder, hugeBytes, oddVarint, randomBytes, randomLength, spoil, text, varint } from '../framework/bytes.ts'
import { multistreamMessages } from './multistream.ts'
import type { Situation, Stage } from './stage.ts'
import type { Random } from '../../attacks/framework/random.ts'
import type { Connection } from '@libp2p/interface'

const SIGNALLING = '/webrtc-signaling/0.0.1'

/**
 * How long a victim has to do something with what it has been sent, in ms
 */
const MAX_PATIENCE = 40

/**
 * As long as messages of libp2p may be, in bytes
 */
const MAX_MESSAGE = 16 * 1024

const MAX_CHANNELS = 4
const MAX_MESSAGES = 6
const MAX_PACKETS = 20

/**
 * How the prefix of a name goes on, which libp2p takes for a version
 */
const UFRAG_PREFIX = 'libp2p+webrtc+v1/'

/**
 * What a number is made of by those who take a text for one
 */
const TEXTS = ['', '-1', '1e999', '1e17', '3000000000', '100000000', 'NaN', '{}', '\u0000', 'a'.repeat(70_000)]

/**
 * An offer as browsers make them
 */
const OFFER = [
  'v=0', 'o=- 1 0 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0', 'a=msid-semantic:WMS *', 'a=ice-options:ice2,trickle',
  `a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => 'AB').join(':')}`,
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'c=IN IP4 0.0.0.0', 'a=mid:0', 'a=sendrecv', 'a=sctp-port:5000',
  'a=max-message-size:262144', 'a=setup:actpass', 'a=ice-ufrag:abcd', 'a=ice-pwd:abcdefghijklmnopqrstuvwx'
].map(line => `${line}\r\n`).join('')

const CANDIDATE = { candidate: 'candidate:1 1 UDP 2122317823 127.0.0.1 9 typ host', sdpMid: '0', sdpMLineIndex: 0, usernameFragment: 'abcd' }

interface Channel {
  binaryType: string
  onmessage: unknown
  send (data: Uint8Array | string): void
  close (): void
  addEventListener (type: string, listener: () => void): void
}

interface PeerConnection {
  createDataChannel (label: string, options?: object): Channel
  close (): void
}

function peerConnectionOf (connection: Connection): PeerConnection {
  return (connection as any).muxer.peerConnection
}

/**
 * A message of the signalling protocol: what kind it is, and a text
 */
function signal (random: Random, type: number, data: string): Uint8Array {
  const bytes = chance(random, 0.8) ? text(data) : spoil(random, text(data))
  const message = concat(
    chance(random, 0.95) ? Uint8Array.of(0x08, type) : Uint8Array.of(0x08, ...oddVarint(random)),
    chance(random, 0.95) ? concat(Uint8Array.of(0x12), varint(bytes.byteLength), bytes) : randomBytes(random, randomLength(random))
  )

  return concat(chance(random, 0.95) ? varint(message.byteLength) : oddVarint(random), message)
}

function candidate (random: Random): string {
  return random.pick([
    () => JSON.stringify(CANDIDATE),
    () => JSON.stringify({ ...CANDIDATE, candidate: `candidate:${'9'.repeat(below(random, 2_000))}` }),
    () => JSON.stringify({ ...CANDIDATE, candidate: random.pick([null, 5, {}, [], '']) as any, sdpMid: random.pick([null, -1, '\u0000', 'x'.repeat(5_000)]) as any }),
    () => random.pick(['null', '""', '[]', '{', '5', 'true', '{"__proto__":{"candidate":1}}', '['.repeat(below(random, 10_000))]),
    () => new TextDecoder().decode(spoil(random, text(JSON.stringify(CANDIDATE))).subarray(0, MAX_MESSAGE))
  ])()
}

function offer (random: Random): string {
  if (chance(random, 0.4)) {
    return OFFER
  }

  const lines = OFFER.split('\r\n')
  const spoilt = random.pick([
    () => lines.filter(() => chance(random, 0.85)),
    () => lines.flatMap(line => chance(random, 0.1) ? Array.from({ length: below(random, 500) }, () => line) : [line]),
    () => lines.map(line => chance(random, 0.15) ? `${line.slice(0, 2 + below(random, 12))}${'9'.repeat(below(random, 100))}` : line),
    () => lines.map(line => chance(random, 0.1) ? new TextDecoder().decode(randomBytes(random, randomLength(random))) : line)
  ])()

  return spoilt.join('\r\n')
}

function signals (random: Random): Uint8Array[] {
  return disorder(random, [
    signal(random, chance(random, 0.9) ? 0 : below(random, 5), offer(random)),
    ...Array.from({ length: below(random, 6) }, () => signal(random, chance(random, 0.9) ? 2 : below(random, 5), candidate(random)))
  ])
}

/**
 * What is sent over a channel: messages of libp2p with flags and bytes, and what is none
 */
function channelMessage (random: Random): Uint8Array | string {
  if (chance(random, 0.15)) {
    return random.pick(TEXTS)
  }

  const payload = random.next() < 0.7 ? concat(...multistreamMessages(random)).subarray(0, 10_000) : randomBytes(random, randomLength(random))
  const message = concat(
    chance(random, 0.3) ? Uint8Array.of(0x08, below(random, 6)) : new Uint8Array(),
    chance(random, 0.7) ? concat(Uint8Array.of(0x12), chance(random, 0.9) ? varint(payload.byteLength) : oddVarint(random), payload) : new Uint8Array()
  )
  const framed = concat(chance(random, 0.85) ? varint(message.byteLength) : oddVarint(random), message)
  const spoilt = chance(random, 0.8) ? framed : spoil(random, framed)

  return (random.next() < 0.05 ? hugeBytes(random) : spoilt).subarray(0, MAX_MESSAGE)
}

function sendAll (channel: Channel, random: Random): void {
  try {
    for (let messages = 1 + below(random, MAX_MESSAGES); messages > 0; messages--) {
      channel.send(channelMessage(random))
    }
  } catch {
    // the victim defends itself
  }

  if (chance(random, 0.4)) {
    channel.close()
  }
}

/**
 * Sends as soon as it is open
 */
function sendWhenOpen (channel: Channel, random: Random): void {
  channel.addEventListener('open', () => { sendAll(channel, random) })
}

async function openChannels ({ random, hostile, address, signal }: Situation): Promise<void> {
  const connection = await hostile.connect(address, signal)
  const peerConnection = peerConnectionOf(connection)

  for (let channels = 1 + below(random, MAX_CHANNELS); channels > 0; channels--) {
    sendWhenOpen(peerConnection.createDataChannel(
      random.pick(['', '', 'init', '__proto__', 'x'.repeat(1_000)]),
      chance(random, 0.7) ? {} : random.pick<object>([{ ordered: false }, { maxRetransmits: 0 }, { protocol: '/ipfs/ping/1.0.0' }, { negotiated: true, id: below(random, 1_000) }])
    ), random)
  }

  // those of the victim, and of a stream that is in order at first
  const stream: any = await connection.newStream('/ipfs/ping/1.0.0', { signal, maxOutboundStreams: Infinity }).catch(() => undefined)

  if (stream != null) {
    sendAll(stream.channel, random)
  }

  await sleep(below(random, MAX_PATIENCE))

  if (chance(random, 0.5)) {
    peerConnection.close()
  }
}

/**
 * What the channels of handshakes that are dialled next are used for
 */
const handshakes: Array<(channel: Channel) => void> = []
const SPOILT = Symbol('handshakes')

/**
 * Nobody but the class of peer connections gets to see the channel of a handshake
 */
function spoilHandshakes (peerConnection: object): void {
  const prototype = Object.getPrototypeOf(peerConnection)

  if (!Object.hasOwn(prototype, SPOILT)) {
    const { createDataChannel } = prototype

    prototype[SPOILT] = true
    prototype.createDataChannel = function (...args: unknown[]) {
      const channel = createDataChannel.apply(this, args)

      handshakes.shift()?.(channel)

      return channel
    }
  }
}

async function spoilHandshake ({ random, hostile, address, signal }: Situation): Promise<void> {
  spoilHandshakes(peerConnectionOf(await hostile.connect(address, signal)))
  handshakes.push(channel => {
    const send = channel.send.bind(channel)

    if (chance(random, 0.6)) {
      channel.send = data => { send(chance(random, 0.5) ? data : channelMessage(random)) }
    }

    sendWhenOpen(channel, random)
  })
  await hostile.connect(address, signal)
}

async function sendPackets ({ random, socket: { host, port }, localAddress }: Situation): Promise<void> {
  const socket = createSocket('udp4')

  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.bind(0, localAddress, resolve)
    })

    for (let packets = 1 + below(random, MAX_PACKETS); packets > 0; packets--) {
      const ufrag = random.pick([
        () => UFRAG_PREFIX + 'a'.repeat(5 + below(random, 40)),
        () => UFRAG_PREFIX + 'a'.repeat(below(random, 400)),
        () => new TextDecoder('latin1').decode(randomBytes(random, below(random, 60))),
        () => 'x\r\na=candidate:1'.repeat(1 + below(random, 5))
      ])()
      const packet = bindingRequest(ufrag)

      socket.send(chance(random, 0.6) ? packet : spoil(random, packet).subarray(0, 1_400), port, host)
    }

    await sleep(below(random, MAX_PATIENCE))
  } finally {
    socket.close()
  }
}

export const WEBRTC_STAGES: Stage[] = [
  {
    name: 'signalling',
    applies: ({ via }) => via === 'webrtc',
    run: async ({ random, hostile, address, signal }) => {
      const connection = await hostile.connect(address.replace('/webrtc/', '/'), signal)

      for (let streams = 1 + below(random, 3); streams > 0; streams--) {
        const stream = await connection.newStream(SIGNALLING, { signal, maxOutboundStreams: Infinity, runOnLimitedConnection: true })

        for (const message of signals(random)) {
          stream.send(message)
          await sleep(below(random, MAX_PATIENCE))
        }

        if (chance(random, 0.5)) {
          stream.abort(new Error('enough'))
        }
      }
    }
  },
  { name: 'packets', applies: ({ via }) => via === 'webrtc-direct', run: sendPackets },
  { name: 'data channels', applies: ({ webRtc }) => webRtc, run: openChannels },
  { name: 'handshake over a data channel', applies: ({ via }) => via === 'webrtc-direct', run: spoilHandshake }
]
