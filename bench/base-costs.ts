/**
 * `node --expose-gc bench/base-costs.ts`: the bytes that stay allocated at the
 * listening end for each idle connection and stream, by transport and muxer, scopes
 * included. The defaults of the `baseCosts` option are from here.
 *
 * The dialing end runs in a process of its own, so that only one end is measured.
 * What the operating system keeps for sockets is not in it. The memory transport is not
 * measured, because both of its ends are in one process, and a relayed connection weighs
 * what a stream weighs besides itself.
 */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { mplex } from '@libp2p/mplex'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { resourceManager } from '../src/index.ts'
import { InfiniteLimits } from '../src/limits.ts'
import type { Libp2p } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

const CONNECTIONS = 100
const STREAMS_PER_CONNECTION = 4

/**
 * These come and go before anything is measured, or the first ones would weigh what is
 * allocated once
 */
const WARM_UP_CONNECTIONS = 50
const PROTOCOL = '/bench/1.0.0'

/**
 * How long everything gets to settle, in ms
 */
const SETTLE = 1_000

const stacks = {
  'tcp yamux': { transport: tcp, muxer: yamux, suffix: '' },
  'tcp mplex': { transport: tcp, muxer: mplex, suffix: '' },
  'websockets yamux': { transport: webSockets, muxer: yamux, suffix: '/ws' },
  'websockets mplex': { transport: webSockets, muxer: mplex, suffix: '/ws' }
}

type StackName = keyof typeof stacks

async function createNode (name: StackName, listen: string[]): Promise<Libp2p> {
  const { transport, muxer } = stacks[name]

  return createLibp2p({
    addresses: { listen },
    transports: [transport()],
    connectionEncrypters: [noise()],
    streamMuxers: [muxer()],
    connectionMonitor: { enabled: false },
    services: { resourceManager: resourceManager({ limits: InfiniteLimits, baseCosts: false, transientShare: 1 }) },
    connectionManager: { maxConnections: 2 * CONNECTIONS, inboundConnectionThreshold: Infinity, maxIncomingPendingConnections: CONNECTIONS }
  })
}

async function settle (): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, SETTLE))
}

async function retained (): Promise<number> {
  await settle()
  globalThis.gc?.()
  await settle()
  globalThis.gc?.()

  const { heapUsed, external } = process.memoryUsage()

  return heapUsed + external
}

async function openConnections (node: Libp2p, address: Multiaddr, count: number = CONNECTIONS): Promise<void> {
  for (let i = 0; i < count; i++) {
    await node.dial(address, { force: true })
  }
}

async function openStreams (node: Libp2p): Promise<void> {
  for (const connection of node.getConnections()) {
    for (let i = 0; i < STREAMS_PER_CONNECTION; i++) {
      await connection.newStream(PROTOCOL, { maxOutboundStreams: STREAMS_PER_CONNECTION })
    }
  }
}

async function warmUp (node: Libp2p, address: Multiaddr): Promise<void> {
  await openConnections(node, address, WARM_UP_CONNECTIONS)
  await openStreams(node)
  await Promise.all(node.getConnections().map(async connection => connection.close()))
}

/**
 * The dialing end: it does what it is told
 */
async function dial (name: StackName, address: string): Promise<void> {
  const node = await createNode(name, [])

  const works: Record<string, () => Promise<void>> = {
    warmUp: async () => warmUp(node, multiaddr(address)),
    connections: async () => openConnections(node, multiaddr(address)),
    streams: async () => openStreams(node)
  }

  process.on('message', (what) => {
    works[String(what)]().then(
      () => process.send?.('done'),
      err => { throw err }
    )
  })
  process.send?.('ready')
}

/**
 * The listening end
 */
async function measure (name: StackName): Promise<{ connection: number, stream: number }> {
  const node = await createNode(name, [`/ip4/127.0.0.1/tcp/0${stacks[name].suffix}`])
  await node.handle(PROTOCOL, () => {}, { maxInboundStreams: STREAMS_PER_CONNECTION })

  const dialer = fork(fileURLToPath(import.meta.url), [name, node.getMultiaddrs()[0].toString()])
  await once(dialer, 'message')

  const tell = async (what: string): Promise<number> => {
    dialer.send(what)
    await once(dialer, 'message')

    return retained()
  }

  try {
    const before = await tell('warmUp')
    const connected = await tell('connections')
    const streaming = await tell('streams')

    return {
      connection: Math.round((connected - before) / CONNECTIONS),
      stream: Math.round((streaming - connected) / (CONNECTIONS * STREAMS_PER_CONNECTION))
    }
  } finally {
    dialer.kill()
    await node.stop()
  }
}

const [name, address] = process.argv.slice(2)

if (address != null) {
  await dial(name as StackName, address)
} else if (globalThis.gc == null) {
  throw new Error('run with --expose-gc')
} else {
  for (const name of Object.keys(stacks) as StackName[]) {
    const { connection, stream } = await measure(name)

    process.stdout.write(`${name.padEnd(20)} connection ${String(connection).padStart(7)} bytes, stream ${String(stream).padStart(6)} bytes\n`)
  }
}
