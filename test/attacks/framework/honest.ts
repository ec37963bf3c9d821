/**
 * The process of the honest peer: it echoes over a new stream of its connection again
 * and again, and now and then over a new connection
 */

import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { pEvent } from 'p-event'
import { HONEST_ADDRESS } from './addresses.ts'
import { ECHO } from './protocols.ts'
import { childOptions, serve } from './serve.ts'
import { tcpFrom } from './tcp-from.ts'
import type { Connection } from '@libp2p/interface'

export interface HonestOptions {
  /** Where the victim listens */
  address: string
}

export interface HonestReport {
  succeeded: number
  failed: number
  lastError?: string
}

/**
 * How often it tries at least, and every which time with a new connection
 */
const MIN_ATTEMPTS = 220
const NEW_CONNECTION_EVERY = 11

/**
 * How long it may have to wait for an answer, in ms: only what never comes fails
 */
const TIMEOUT = 10_000

/**
 * It gives up when so many have failed and the attack is over
 */
const MAX_FAILED = 5

/**
 * How long it rests between two attempts, in ms
 */
const PAUSE = 5

const MESSAGE_LENGTH = 1024

const { address } = childOptions<HonestOptions>()
const node = await createLibp2p({
  transports: [tcpFrom(HONEST_ADDRESS)],
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

async function echo (connection: Connection): Promise<void> {
  const signal = AbortSignal.timeout(TIMEOUT)
  const stream = await connection.newStream(ECHO, { signal })

  try {
    let missing = MESSAGE_LENGTH
    const answered = pEvent(stream, 'message', {
      signal,
      filter: (event: any) => (missing -= event.data.byteLength) <= 0,
      rejectionEvents: ['close']
    })

    stream.send(new Uint8Array(MESSAGE_LENGTH))
    await answered
    await stream.close({ signal })
  } catch (err: any) {
    stream.abort(err)
    throw err
  }
}

async function echoOverNewConnection (): Promise<void> {
  const connection = await connect()

  try {
    await echo(connection)
  } finally {
    await connection.close()
  }
}

async function echoAgainAndAgain (connection: Connection): Promise<void> {
  for (let i = 1; !finishing.signal.aborted || (i <= MIN_ATTEMPTS && report.failed <= MAX_FAILED); i++) {
    try {
      await (i % NEW_CONNECTION_EVERY === 0 ? echoOverNewConnection() : echo(connection))
      report.succeeded++
    } catch (err: any) {
      report.failed++
      report.lastError = `${err.name}: ${err.message}`
    }

    await new Promise(resolve => setTimeout(resolve, PAUSE))
  }
}

let connection = await connect()
let echoing: Promise<void> | undefined

serve({
  /** Both ends do everything once */
  warmUp: async () => {
    await echo(connection)
    await echoOverNewConnection()
  },
  /** Goes, and comes back at the start */
  leave: async () => { await connection.close() },
  start: async () => {
    if (connection.status !== 'open') {
      connection = await connect()
    }

    echoing = echoAgainAndAgain(connection)
  },
  report: () => report,
  finish: async () => {
    finishing.abort()
    await echoing

    return report
  }
})
