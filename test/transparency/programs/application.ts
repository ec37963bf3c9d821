import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { gossipsub } from '@libp2p/gossipsub'
import { tcp } from '@libp2p/tcp'
import { webRTC } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { eventually } from '../../libp2p/fixtures/eventually.ts'
import { dialWebRtc } from '../../libp2p/fixtures/node-transports.ts'
import { PATIENCE } from '../framework/patience.ts'
import { DHT } from './dht.ts'
import type { NodeOptions, TestNode } from '../../libp2p/fixtures/nodes.ts'
import type { Program } from '../framework/program.ts'
import type { World } from '../framework/world.ts'

const KEY = new TextEncoder().encode('/record/key')
const VALUE = Uint8Array.of(1, 2, 3)

function application (options: NodeOptions = {}): NodeOptions {
  return {
    transports: [tcp(), webSockets(), circuitRelayTransport(), webRTC()],
    ...options,
    services: { ...DHT, pubsub: gossipsub(), ...options.services }
  }
}

async function collect<T> (source: AsyncIterable<T>): Promise<T[]> {
  const result: T[] = []

  for await (const value of source) {
    result.push(value)
  }

  return result
}

/**
 * The life of an ordinary application, and what it sees of it
 */
async function live (world: World): Promise<Record<string, unknown>> {
  const relay = await world.create(application({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'] },
    services: { relay: circuitRelayServer() }
  }))
  const [tcpAddress, wsAddress] = relay.getMultiaddrs()
  const listener = await world.create(application({ addresses: { listen: [`${tcpAddress}/p2p-circuit`, '/webrtc'] } }))
  const dialer = await world.create(application())
  const all: TestNode[] = [relay, listener, dialer]

  const overWebSockets = await dialer.dial(wsAddress)
  const overRelay = await dialer.dial(multiaddr(`${tcpAddress}/p2p-circuit/p2p/${listener.peerId}`))
  const overWebRtc = await dialWebRtc(dialer, multiaddr(`${tcpAddress}/p2p-circuit/webrtc/p2p/${listener.peerId}`))

  await eventually(() => dialer.services.dht.routingTable.size === 2, 'the routing table', PATIENCE)
  all.forEach(node => { node.services.pubsub.subscribe('topic') })
  await eventually(() => all.every(node => node.services.pubsub.getSubscribers('topic').length === 2), 'the subscriptions', PATIENCE)

  const received = Promise.withResolvers<Uint8Array>()
  listener.services.pubsub.addEventListener('gossipsub:message', ({ detail }: any) => { received.resolve(Uint8Array.from(detail.msg.data)) })
  await dialer.services.pubsub.publish('topic', VALUE)

  const stored = await collect<any>(dialer.services.dht.put(KEY, VALUE))
  const found = await collect<any>(listener.services.dht.get(KEY))

  const identified = await dialer.services.identify.identify(overWebSockets)

  return {
    dialled: [overWebSockets, overRelay, overWebRtc].map(({ multiplexer, encryption, limits, direct }) => ({ multiplexer, encryption, limited: limits != null, direct })),
    pinged: await Promise.all([relay, listener].map(async node => typeof await dialer.services.ping.ping(node.peerId))),
    published: await received.promise,
    stored: stored.length > 0,
    found: found.find(({ name }) => name === 'VALUE')?.value,
    protocols: identified.protocols.sort(),
    unsupported: await overWebSockets.newStream('/unsupported/1.0.0').catch(({ name }) => name),
    dialledNobody: await dialer.dial(multiaddr('/ip4/127.0.0.1/tcp/1')).catch(({ name }) => name)
  }
}

/**
 * Uses TCP, WebSockets, a relay, WebRTC, gossipsub and a DHT with three nodes, and some
 * things that fail
 */
export const ordinary: Program = {
  what: 'uses all transports and the usual services',
  outcome: {
    dialled: [
      { multiplexer: '/yamux/1.0.0', encryption: '/noise', limited: false, direct: true },
      { multiplexer: '/yamux/1.0.0', encryption: '/noise', limited: true, direct: false },
      { multiplexer: '/webrtc', encryption: 'native', limited: false, direct: true }
    ],
    pinged: ['number', 'number'],
    published: VALUE,
    stored: true,
    found: VALUE,
    protocols: [
      '/floodsub/1.0.0',
      '/ipfs/id/1.0.0',
      '/ipfs/kad/1.0.0',
      '/ipfs/ping/1.0.0',
      '/libp2p/circuit/relay/0.2.0/hop',
      '/libp2p/circuit/relay/0.2.0/stop',
      '/meshsub/1.0.0',
      '/meshsub/1.1.0',
      '/meshsub/1.2.0',
      '/webrtc-signaling/0.0.1'
    ],
    unsupported: 'UnsupportedProtocolError',
    dialledNobody: 'Error'
  },
  // two WebRTC nodes on one machine now and then never find each other, with and without a
  // resource manager
  retries: 2,
  run: live
}
