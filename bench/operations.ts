import { multiaddr } from '@multiformats/multiaddr'
import { createResourceManager, InfiniteLimits } from '../src/index.ts'
import type { ResourceManagerInit } from '../src/index.ts'
import type { DefaultResourceManager } from '../src/resource-manager.ts'
import type { ConnectionNode } from '../src/scopes/connection-node.ts'
import type { StreamNode } from '../src/scopes/stream-node.ts'
import type { PeerId } from '@libp2p/interface'

/**
 * One thing that is measured
 */
export interface Operation {
  name: string

  /**
   * What it allocates depends on how far the compiler has got, and is not compared
   */
  isLarge?: boolean

  /**
   * Makes what it needs
   *
   * @returns What is repeated
   */
  prepare(): () => void
}

const PROTOCOL = '/bench/1.0.0'
const SERVICE = 'bench'
const MESSAGE_SIZE = 4096

/**
 * How peers take turns: one after the other, or in an order that no cache can guess
 */
const ORDERS = { 'in turn': 1, 'at random': 7_919 }

const STREAMS_PER_PEER = 3

/**
 * The wiring uses the methods that answer instead of throwing
 */
function createManager (init: ResourceManagerInit): DefaultResourceManager {
  return createResourceManager(init) as DefaultResourceManager
}

function openStream (manager: DefaultResourceManager, peer: PeerId, protocol = PROTOCOL, service = SERVICE): StreamNode {
  const stream = manager.tryOpenStream(peer, 'inbound') as StreamNode

  stream.trySetProtocol(protocol)
  stream.tryAssignService(service)

  return stream
}

/**
 * A manager whose peers all have a connection and some streams
 */
function populate (manager: DefaultResourceManager, peers: PeerId[]): void {
  for (const peer of peers) {
    const connection = manager.tryOpenConnection('inbound', true) as ConnectionNode

    connection.trySetPeer(peer)

    for (let i = 0; i < STREAMS_PER_PEER; i++) {
      openStream(manager, peer, `/bench/${i}`, `bench-${i}`)
    }
  }
}

function streamLife (name: string, init: ResourceManagerInit, peers: PeerId[], order: keyof typeof ORDERS = 'in turn'): Operation {
  const stride = ORDERS[order]

  return {
    name: `stream life, ${name}, ${peers.length === 1 ? '1 peer' : `${peers.length} peers ${order}`}`,
    prepare () {
      const manager = createManager(init)
      let next = 0

      populate(manager, peers)

      return () => {
        next = (next + stride) % peers.length
        openStream(manager, peers[next], '/bench/1', 'bench-1').done()
      }
    }
  }
}

function connectionLife (name: string, init: ResourceManagerInit, peer: PeerId, address?: string): Operation {
  return {
    name: `connection life, ${name}`,
    prepare () {
      const manager = createManager(init)
      const endpoint = address == null ? undefined : multiaddr(address)

      return () => {
        const connection = manager.tryOpenConnection('inbound', true, endpoint) as ConnectionNode

        connection.trySetPeer(peer)
        connection.done()
      }
    }
  }
}

/**
 * The operations of go-libp2p that there are figures for, and their variants
 *
 * @param peers - 10,000 of them
 */
export function operations (peers: PeerId[]): Operation[] {
  const unlimited: ResourceManagerInit = { limits: InfiniteLimits }
  const limited: ResourceManagerInit = {
    limits: { system: { streams: 1e6, streamsInbound: 1e6, conns: 1e6, connsInbound: 1e6, fd: 1e6 }, serviceDefault: { streams: 1e6, streamsInbound: 1e6 }, protocolDefault: { streams: 1e6, streamsInbound: 1e6 } }
  }
  const full: ResourceManagerInit = { limits: { system: { streamsInbound: 0, connsInbound: 0 } } }
  const [peer] = peers

  return [
    ...[1, 100, 10_000].flatMap(count => [
      streamLife('unlimited', unlimited, peers.slice(0, count)),
      streamLife('limited', limited, peers.slice(0, count))
    ]),
    streamLife('limited', limited, peers.slice(0, 10_000), 'at random'),
    connectionLife('without an address', limited, peer),
    connectionLife('with subnet and rate decisions', {
      ...limited,
      // a rate that is decided about, and never exceeded
      rateLimits: { connections: { ipv4: [{ prefixLength: 32, rate: 1e9, burst: 1e9 }] } }
    }, peer, '/ip4/192.0.2.1/tcp/4001'),
    {
      name: 'reserve and release, attached stream',
      prepare () {
        const stream = openStream(createManager(limited), peer)

        return () => {
          stream.reserveMemory(MESSAGE_SIZE)
          stream.releaseMemory(MESSAGE_SIZE)
        }
      }
    },
    {
      name: 'span with one reservation',
      prepare () {
        const stream = openStream(createManager(limited), peer)

        return () => {
          const span = stream.beginSpan()

          span.reserveMemory(MESSAGE_SIZE)
          span.done()
        }
      }
    },
    {
      name: 'refused stream',
      prepare () {
        const manager = createManager(full)

        return () => { manager.tryOpenStream(peer, 'inbound') }
      }
    },
    {
      name: 'refused connection',
      prepare () {
        const manager = createManager(full)

        return () => { manager.tryOpenConnection('inbound', true) }
      }
    },
    {
      name: 'stat() with 10,000 peers',
      isLarge: true,
      prepare () {
        const manager = createManager(unlimited)

        populate(manager, peers.slice(0, 10_000))

        return () => { manager.stat() }
      }
    }
  ]
}
