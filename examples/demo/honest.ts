/**
 * The honest peer: it has one connection, echoes over a new stream all the time, and
 * downloads 64 MiB when it is told to. What came of it is reported to the parent process.
 */

import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { ECHO_PROTOCOL, nodeOptions, TRANSFER_PROTOCOL, TRANSFER_SIZE } from './node.ts'
import type { Connection } from '@libp2p/interface'

/**
 * How long an echo may take before it counts as failed, in ms
 */
const TIMEOUT = 5_000

/**
 * How long the peer rests between two echoes, in ms
 */
const PAUSE = 20

const REPORT_INTERVAL = 250

export interface HonestReport {
  succeeded: number
  failed: number
  lastError?: string

  /** How much has been downloaded, in bytes */
  downloaded: number
  downloadError?: string

  /** The latencies of the echoes since the last report, in ms */
  latencies: number[]
}

const report: HonestReport = { succeeded: 0, failed: 0, downloaded: 0, latencies: [] }
const message = new Uint8Array(1024).fill(7)

async function echoOnce (connection: Connection): Promise<void> {
  const signal = AbortSignal.timeout(TIMEOUT)
  const stream = await connection.newStream(ECHO_PROTOCOL, { signal })

  try {
    let received = 0

    stream.send(message)

    const aborted = new Promise<never>((resolve, reject) => {
      signal.addEventListener('abort', () => { reject(signal.reason) }, { once: true })
    })

    const echoed = (async () => {
      for await (const data of stream) {
        received += data.byteLength

        if (received === message.byteLength) {
          return
        }
      }

      throw new Error('the stream ended early')
    })()

    await Promise.race([echoed, aborted])
    await stream.close({ signal })
  } catch (err: any) {
    stream.abort(err)
    throw err
  }
}

async function download (connection: Connection): Promise<void> {
  const stream = await connection.newStream(TRANSFER_PROTOCOL)

  for await (const data of stream) {
    report.downloaded += data.byteLength
  }

  if (report.downloaded !== TRANSFER_SIZE) {
    throw new Error('the stream ended early')
  }
}

const node = await createLibp2p(nodeOptions())
const connection = await node.dial(multiaddr(process.argv[2]))
const stopping = new AbortController()

process.on('message', what => {
  if (what === 'stop') {
    stopping.abort()
  } else {
    download(connection).catch((err: any) => { report.downloadError = `${err.name}: ${err.message}` })
  }
})

const reporter = setInterval(() => {
  process.send?.(report)
  report.latencies = []
}, REPORT_INTERVAL)

process.send?.(report)

while (!stopping.signal.aborted) {
  const start = performance.now()

  try {
    await echoOnce(connection)
    report.succeeded++
    report.latencies.push(performance.now() - start)
  } catch (err: any) {
    report.failed++
    report.lastError = `${err.name}: ${err.message}`
  }

  await new Promise(resolve => setTimeout(resolve, PAUSE))
}

clearInterval(reporter)
process.send?.(report)
await node.stop()
process.disconnect()
