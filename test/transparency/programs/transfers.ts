import { yamux } from '@chainsafe/libp2p-yamux'
import { ping } from '@libp2p/ping'
import { digest, someBytes } from '../framework/bytes.ts'
import { PATIENT } from '../framework/patience.ts'
import { readAll } from '../framework/read-all.ts'
import { RECEIVERS, SENDERS } from '../framework/transfer.ts'
import type { TransportUnderTest } from '../../libp2p/suite/transport.ts'
import type { LinkConditions } from '../framework/link.ts'
import type { Program } from '../framework/program.ts'
import type { Receiving, Sending } from '../framework/transfer.ts'
import type { World } from '../framework/world.ts'
import type { Connection, Stream } from '@libp2p/interface'
import type { Libp2pOptions } from 'libp2p'

const PROTOCOL = '/transfer/1.0.0'

/**
 * More streams of one protocol than libp2p allows on a connection unless it is told
 */
const MANY_STREAMS = 500

export interface Transfer {
  over: TransportUnderTest

  /** @default yamux */
  muxer?: NonNullable<Libp2pOptions['streamMuxers']>[number]

  /** Between the two, where it is TCP */
  link?: LinkConditions

  /** Of each transfer */
  bytes: number

  /** @default 1 */
  count?: number

  /** @default true */
  parallel?: boolean

  /** @default 'in one send()' */
  send?: Sending

  /** @default 'in a loop' */
  receive?: Receiving

  /**
   * Who sends: the one who opens the stream (`'up'`), the other (`'down'`), or every other
   * time (`'both'`)
   *
   * @default 'up'
   */
  direction?: 'up' | 'down' | 'both'
}

/**
 * A program that transfers bytes over one connection, and gets to know their hashes
 */
export function transfer (what: string, options: Transfer & Pick<Program, 'retries'>): Program {
  const { bytes, count = 1, parallel = true, retries } = options

  return {
    what,
    retries,
    outcome: Array.from({ length: count }, (_, i) => digest(someBytes(bytes, i))),
    run: async world => {
      const connection = await connect(world, options)

      if (parallel) {
        return Promise.all(Array.from({ length: count }, async (_, i) => transferOne(connection, i, options)))
      }

      const hashes: string[] = []

      for (let i = 0; i < count; i++) {
        hashes.push(await transferOne(connection, i, options))
      }

      return hashes
    }
  }
}

/**
 * Before it is used, because plain js-libp2p resets a connection with more than 10 streams
 * before the other end is ready
 */
async function connect (world: World, { over, muxer = yamux(), link, bytes, send, receive }: Transfer): Promise<Connection> {
  // relays only have yamux. The transports' short timeouts are for tests of timeouts.
  const options = { streamMuxers: [muxer, yamux()], connectionManager: PATIENT, services: { ping: ping() } }
  const { dialer, listener, address } = await over.connect(world, { dialer: options, listener: options })

  await listener.handle([`${PROTOCOL}/up`, `${PROTOCOL}/down`], async stream => {
    if (stream.protocol.endsWith('/up')) {
      stream.send(await RECEIVERS[receive ?? 'in a loop'](stream))
    } else {
      const seed = Number(new TextDecoder().decode(await readAll(stream)))

      await SENDERS[send ?? 'in one send()'](stream, someBytes(bytes, seed))
    }

    await stream.close()
  }, { maxInboundStreams: MANY_STREAMS })

  const connection = await dialer.dial(link == null ? address : await world.link(address, link))

  await dialer.services.ping.ping(listener.peerId)

  return connection
}

async function transferOne (connection: Connection, seed: number, { bytes, send = 'in one send()', receive = 'in a loop', direction = 'up' }: Transfer): Promise<string> {
  const up = direction === 'both' ? seed % 2 === 0 : direction === 'up'
  const stream = await connection.newStream(`${PROTOCOL}/${up ? 'up' : 'down'}`, { maxOutboundStreams: MANY_STREAMS })

  if (up) {
    return hex(await both(readAll(stream), async () => SENDERS[send](stream, someBytes(bytes, seed)), stream))
  }

  return hex(await both(RECEIVERS[receive](stream), async () => { stream.send(new TextEncoder().encode(`${seed}`)) }, stream))
}

/**
 * Sends, closes this end, and waits for the answer. Where there is none because the stream
 * has ended, it does not wait for the rest.
 */
async function both <T> (answer: Promise<T>, send: () => Promise<void>, stream: Stream): Promise<T> {
  const [result] = await Promise.all([answer, send().then(async () => stream.close())])

  return result
}

function hex (bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
