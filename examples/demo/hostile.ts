/**
 * The hostile peers. Each has an identity of its own and does at the same time,
 * as fast as it can but within the bounds below:
 *
 * - opens connections
 * - opens streams, asks for blocks of 1 MiB and never reads them
 * - opens streams and never negotiates a protocol
 *
 * and beside them plain sockets connect and never begin a handshake.
 */

import { setMaxListeners } from 'node:events'
import { createConnection } from 'node:net'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { BLOCK_PROTOCOL, nodeOptions } from './node.ts'
import type { Connection, StreamMuxer } from '@libp2p/interface'

const PEERS = 8
const CONNECTIONS_PER_PEER = 40
const STREAMS_PER_CONNECTION = 60

/**
 * Fewer than the share of one address in the connections without a peer, or nothing
 * else would get in
 */
const SILENT_SOCKETS = 4

/**
 * How long the attacker rests after each step, in ms: it shares the machine with
 * its victim
 */
const PAUSE = 10

const server = multiaddr(process.argv[2])
const request = new Uint8Array(32)
const stopping = new AbortController()

// one for each silent socket
setMaxListeners(SILENT_SOCKETS, stopping.signal)

process.on('message', () => {
  stopping.abort()
})

async function pause (): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, PAUSE))
}

/**
 * Opens streams of both hostile kinds until the connection is gone
 */
async function floodStreams (connection: Connection): Promise<void> {
  // no well-behaved node would reach for the muxer
  const { muxer } = connection as unknown as { muxer: StreamMuxer }

  while (!stopping.signal.aborted && connection.status === 'open') {
    if (connection.streams.length < STREAMS_PER_CONNECTION) {
      muxer.createStream().catch(() => {})

      connection.newStream(BLOCK_PROTOCOL).then(stream => {
        stream.pause()
        stream.send(request)
      }).catch(() => {})
    }

    await pause()
  }
}

async function floodConnections (): Promise<void> {
  const node = await createLibp2p(nodeOptions())

  while (!stopping.signal.aborted) {
    if (node.getConnections().length < CONNECTIONS_PER_PEER) {
      node.dial(server, { force: true }).then(floodStreams).catch(() => {})
    }

    await pause()
  }

  await node.stop()
}

async function holdSilentSocket (): Promise<void> {
  const [{ value: host }, { value: port }] = server.getComponents()

  while (!stopping.signal.aborted) {
    await new Promise<void>(resolve => {
      const socket = createConnection({ host, port: Number(port) })
      const destroy = (): void => { socket.destroy() }

      stopping.signal.addEventListener('abort', destroy)
      socket.on('error', () => {})
      socket.on('close', () => {
        stopping.signal.removeEventListener('abort', destroy)
        resolve()
      })
    })

    await pause()
  }
}

await Promise.all([
  ...Array.from({ length: PEERS }, floodConnections),
  ...Array.from({ length: SILENT_SOCKETS }, holdSilentSocket)
])

process.disconnect()
