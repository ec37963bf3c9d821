/**
 * The process of an honest peer: it echoes or downloads over a new stream of its connection
 * again and again, and now and then over a new connection
 */

import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { pEvent } from 'p-event'
import { ASK, DOWNLOAD, DOWNLOAD_LENGTH, ECHO } from './protocols.ts'
import { childOptions, serve } from './serve.ts'
import { tcpFrom } from './tcp-from.ts'
import { webSocketsFrom } from './web-sockets-from.ts'
import type { Connection } from '@libp2p/interface'

export interface HonestOptions {
  /** Where the victim listens */
  address: string

  /** Which of the addresses of this machine it dials from */
  from: string

  /** `calm` does less, so that it is not libp2p that refuses its connections */
  pace: 'brisk' | 'calm'
  does: 'echo' | 'download'
}

export interface HonestReport {
  succeeded: number
  failed: number
  lastError?: string
}

/**
 * How often it tries at least, every which time with a new connection, and how long it rests
 * between two attempts, in ms
 */
const PACES = {
  brisk: { attempts: 220, newConnectionEvery: 11, pause: 5 },
  // libp2p takes five connections of a host per second
  calm: { attempts: 44, newConnectionEvery: 11, pause: 50 }
}

/**
 * How long it may have to wait for an answer, in ms: only what never comes fails
 */
const TIMEOUT = 10_000

/**
 * It gives up when so many have failed and the attack is over
 */
const MAX_FAILED = 5

const MESSAGE_LENGTH = 1024

const { address, from, pace, does } = childOptions<HonestOptions>()
const { attempts, newConnectionEvery, pause } = PACES[pace]
const node = await createLibp2p({
  transports: [address.includes('/ws') ? webSocketsFrom(() => from) : tcpFrom(from)],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionMonitor: { enabled: false },
  connectionManager: { reconnectRetries: 0 }
})
const report: HonestReport = { succeeded: 0, failed: 0 }
const finishing = new AbortController()

async function connect (): Promise<Connection> {
  return node.dial(multiaddr(address), { force: true, signal: AbortSignal.timeout(TIMEOUT) })
}

const protocol = does === 'echo' ? ECHO : DOWNLOAD

/**
 * What is sent, and how much of it comes back
 */
const request = does === 'echo' ? new Uint8Array(MESSAGE_LENGTH) : Uint8Array.of(ASK)
const answerLength = does === 'echo' ? MESSAGE_LENGTH : DOWNLOAD_LENGTH

async function act (connection: Connection): Promise<void> {
  const signal = AbortSignal.timeout(TIMEOUT)
  const stream = await connection.newStream(protocol, { signal })

  try {
    let missing = answerLength
    const answered = pEvent(stream, 'message', {
      signal,
      filter: (event: any) => (missing -= event.data.byteLength) <= 0,
      rejectionEvents: ['close']
    })

    stream.send(request)
    await answered
    await stream.close({ signal })
  } catch (err: any) {
    stream.abort(err)
    throw err
  }
}

async function actOverNewConnection (): Promise<void> {
  const connection = await connect()

  try {
    await act(connection)
  } finally {
    await connection.close()
  }
}

async function actAgainAndAgain (connection: Connection): Promise<void> {
  for (let i = 1; !finishing.signal.aborted || (i <= attempts && report.failed <= MAX_FAILED); i++) {
    try {
      await (i % newConnectionEvery === 0 ? actOverNewConnection() : act(connection))
      report.succeeded++
    } catch (err: any) {
      report.failed++
      report.lastError = `${err.name}: ${err.message}`
    }

    await new Promise(resolve => setTimeout(resolve, pause))
  }
}

let connection = await connect()
let acting: Promise<void> | undefined

serve({
  /** Both ends do everything once */
  warmUp: async () => {
    await act(connection)
    await actOverNewConnection()
  },
  /** Goes, and comes back at the start */
  leave: async () => { await connection.close() },
  start: async () => {
    if (connection.status !== 'open') {
      connection = await connect()
    }

    acting = actAgainAndAgain(connection)
  },
  report: () => report,
  finish: async () => {
    finishing.abort()
    await acting

    return report
  }
})
