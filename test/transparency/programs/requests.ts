import { yamux } from '@chainsafe/libp2p-yamux'
import { digest, someBytes } from '../framework/bytes.ts'
import { PATIENT } from '../framework/patience.ts'
import { readAll } from '../framework/read-all.ts'
import type { TransportUnderTest } from '../../libp2p/suite/transport.ts'
import type { LinkConditions } from '../framework/link.ts'
import type { Program } from '../framework/program.ts'
import type { Connection } from '@libp2p/interface'
import type { Libp2pOptions } from 'libp2p'

const PROTOCOL = '/request/1.0.0'
const REQUEST_LENGTH = 100

/**
 * What libp2p is told to allow on one connection at a time: without that it would refuse bursts itself
 */
const MAX_STREAMS = 500

export interface Requests {
  over: TransportUnderTest

  /** @default yamux */
  muxer?: NonNullable<Libp2pOptions['streamMuxers']>[number]

  /** Between the two, where it is TCP */
  link?: LinkConditions

  /** How many there are at a time */
  burst: number

  /** How many times */
  times: number
}

/**
 * A program that asks many short questions over one connection, each over a stream of its
 * own, and all of a burst before it waits for an answer
 */
export function requests (what: string, { over, muxer = yamux(), link, burst, times }: Requests): Program {
  const answers = Array.from({ length: burst * times }, (_, i) => digest(someBytes(REQUEST_LENGTH, i)))

  return {
    what,
    outcome: answers,
    run: async world => {
      const options = { streamMuxers: [muxer, yamux()], connectionManager: PATIENT }
      const { dialer, listener, address } = await over.connect(world, { dialer: options, listener: options })

      await listener.handle(PROTOCOL, async stream => {
        const request = await readAll(stream)

        stream.send(new TextEncoder().encode(digest(request)))
        await stream.close()
      }, { maxInboundStreams: MAX_STREAMS })

      const connection = await dialer.dial(link == null ? address : await world.link(address, link))
      const answered: string[] = []

      // plain js-libp2p resets a connection with more than 10 streams before the other end is ready
      await ask(connection, someBytes(REQUEST_LENGTH))

      for (let first = 0; first < burst * times; first += burst) {
        answered.push(...await Promise.all(Array.from({ length: burst }, async (_, i) => ask(connection, someBytes(REQUEST_LENGTH, first + i)))))
      }

      return answered
    }
  }
}

async function ask (connection: Connection, request: Uint8Array): Promise<string> {
  const stream = await connection.newStream(PROTOCOL, { maxOutboundStreams: MAX_STREAMS })
  const answer = readAll(stream)

  stream.send(request)
  await stream.close()

  return new TextDecoder().decode(await answer)
}
