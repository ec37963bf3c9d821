/**
 * `node --expose-gc bench/base-costs.ts [STACK…]`: the bytes that stay allocated at the
 * listening end for each idle connection and stream, by transport and muxer, scopes
 * included. The defaults of the `baseCosts` option are from here.
 *
 * The dialing end runs in a process of its own, so that only one end is measured.
 * What the operating system keeps for sockets is not in it, and neither is what native code
 * keeps, which is most of WebRTC: for that there is the resident memory. The memory transport
 * is not measured, because both of its ends are in one process. Of a relayed connection the
 * stream that it comes over is a part: `stream` of TCP is in `connection` there. The relay is
 * in the process of the dialing end.
 */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { circuitRelayServer, circuitRelayTransport, RELAY_V2_HOP_CODEC } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { mplex } from '@libp2p/mplex'
import { tcp } from '@libp2p/tcp'
import { webRTCDirect } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { resourceManager } from '../src/index.ts'
import { InfiniteLimits } from '../src/limits.ts'
import type { Connection, Libp2p } from '@libp2p/interface'
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

interface Stack {
  transports(): any[]
  muxer: typeof yamux | typeof mplex

  /** Where the listening end listens. With a relay this is added to the address of that. */
  listen: string
}

const CIRCUIT = '/p2p-circuit'

/**
 * All of what a relay limits by itself is more than this
 */
const PLENTY = 1_000
const RELAY = { maxInboundHopStreams: PLENTY, maxOutboundStopStreams: PLENTY, reservations: { applyDefaultLimit: false } }

const stacks: Record<string, Stack> = {
  'tcp yamux': { transports: () => [tcp()], muxer: yamux, listen: '/ip4/127.0.0.1/tcp/0' },
  'tcp mplex': { transports: () => [tcp()], muxer: mplex, listen: '/ip4/127.0.0.1/tcp/0' },
  'websockets yamux': { transports: () => [webSockets()], muxer: yamux, listen: '/ip4/127.0.0.1/tcp/0/ws' },
  'websockets mplex': { transports: () => [webSockets()], muxer: mplex, listen: '/ip4/127.0.0.1/tcp/0/ws' },
  'relay yamux': { transports: () => [tcp(), circuitRelayTransport()], muxer: yamux, listen: CIRCUIT },
  'webrtc-direct': { transports: () => [webRTCDirect()], muxer: yamux, listen: '/ip4/127.0.0.1/udp/0/webrtc-direct' }
}

async function createNode (name: string, listen: string[], services: Record<string, (components: any) => any> = {}): Promise<Libp2p> {
  const { transports, muxer } = stacks[name]

  return createLibp2p({
    addresses: { listen },
    transports: transports(),
    connectionEncrypters: [noise()],
    streamMuxers: [muxer()],
    connectionMonitor: { enabled: false },
    services: {
      resourceManager: resourceManager({ limits: InfiniteLimits, baseCosts: false, transientShare: 1 }),
      // relays are found by it
      ...(isRelayed(name) ? { identify: identify({ runOnConnectionOpen: false }) } : {}),
      ...services
    },
    connectionManager: { maxConnections: 3 * CONNECTIONS, inboundConnectionThreshold: Infinity, maxIncomingPendingConnections: CONNECTIONS }
  })
}

function isRelayed (name: string): boolean {
  return stacks[name].listen === CIRCUIT
}

async function settle (): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, SETTLE))
}

interface Retained {
  allocated: number
  resident: number
}

async function retained (): Promise<Retained> {
  await settle()
  globalThis.gc?.()
  await settle()
  globalThis.gc?.()

  const { heapUsed, external, rss } = process.memoryUsage()

  return { allocated: heapUsed + external, resident: rss }
}

async function openConnections (node: Libp2p, address: Multiaddr, count: number = CONNECTIONS): Promise<void> {
  for (let i = 0; i < count; i++) {
    await node.dial(address, { force: true })
  }
}

async function openStreams (node: Libp2p, address: Multiaddr): Promise<void> {
  for (const connection of connectionsWith(node, address)) {
    for (let i = 0; i < STREAMS_PER_CONNECTION; i++) {
      await connection.newStream(PROTOCOL, { maxOutboundStreams: STREAMS_PER_CONNECTION, runOnLimitedConnection: true })
    }
  }
}

function connectionsWith (node: Libp2p, address: Multiaddr): Connection[] {
  return node.getConnections().filter(({ remotePeer }) => address.toString().endsWith(`/p2p/${remotePeer}`))
}

async function warmUp (node: Libp2p, address: Multiaddr): Promise<void> {
  await openConnections(node, address, WARM_UP_CONNECTIONS)
  await openStreams(node, address)
  await Promise.all(connectionsWith(node, address).map(async connection => connection.close()))
}

/**
 * The dialing end: it does what it is told
 */
async function dial (name: string): Promise<void> {
  const node = await createNode(name, [])
  const relay = isRelayed(name)
    ? await createNode(name, ['/ip4/127.0.0.1/tcp/0'], { relay: circuitRelayServer(RELAY) })
    : undefined
  let address: Multiaddr

  // one stream to the relay for each connection, where libp2p allows 64
  await node.handle(RELAY_V2_HOP_CODEC, () => {}, { maxOutboundStreams: PLENTY })

  const works: Record<string, () => Promise<void>> = {
    warmUp: async () => warmUp(node, address),
    connections: async () => openConnections(node, address),
    streams: async () => openStreams(node, address)
  }

  process.on('message', ({ what, where }: { what: string, where: string }) => {
    address = multiaddr(where)
    works[what]().then(
      () => process.send?.('done'),
      err => { throw err }
    )
  })
  process.send?.(relay?.getMultiaddrs()[0].toString() ?? '')
}

/**
 * The listening end
 */
async function measure (name: string): Promise<Record<'connection' | 'stream' | 'connection resident', number>> {
  const dialer = fork(fileURLToPath(import.meta.url), [name])
  const [relay] = await once(dialer, 'message')

  const node = await createNode(name, [relay + stacks[name].listen])
  await node.handle(PROTOCOL, () => {}, { maxInboundStreams: STREAMS_PER_CONNECTION, runOnLimitedConnection: true })

  while (node.getMultiaddrs().length === 0) {
    await new Promise(resolve => node.addEventListener('self:peer:update', resolve, { once: true }))
  }

  const where = node.getMultiaddrs()[0].toString()

  const tell = async (what: string): Promise<Retained> => {
    dialer.send({ what, where })
    await once(dialer, 'message')

    return retained()
  }

  try {
    const before = await tell('warmUp')
    const connected = await tell('connections')
    const streaming = await tell('streams')

    return {
      connection: Math.round((connected.allocated - before.allocated) / CONNECTIONS),
      stream: Math.round((streaming.allocated - connected.allocated) / (CONNECTIONS * STREAMS_PER_CONNECTION)),
      'connection resident': Math.round((connected.resident - before.resident) / CONNECTIONS)
    }
  } finally {
    dialer.kill()
    await node.stop()
  }
}

if (process.send != null) {
  await dial(process.argv[2])
} else if (globalThis.gc == null) {
  throw new Error('run with --expose-gc')
} else {
  for (const name of process.argv.length > 2 ? process.argv.slice(2) : Object.keys(stacks)) {
    const figures = Object.entries(await measure(name)).map(([what, bytes]) => `${what} ${String(bytes).padStart(7)} bytes`)

    process.stdout.write(`${name.padEnd(20)} ${figures.join(', ')}\n`)
  }
}
