import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { webRTC } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { eventually } from './fixtures/eventually.ts'
import { dialWebRtc } from './fixtures/node-transports.ts'
import { TestNodes } from './fixtures/nodes.ts'
import type { NodeOptions, TestNode } from './fixtures/nodes.ts'
import type { ResourceManagerInit } from '../../src/index.ts'

const KEY = new TextEncoder().encode('/test/key')
const VALUE = Uint8Array.of(1, 2, 3)

function application (manager: ResourceManagerInit | false, options: NodeOptions = {}): NodeOptions {
  return {
    transports: [tcp(), webSockets(), circuitRelayTransport(), webRTC()],
    manager,
    ...options,
    services: {
      identify: identify(),
      ping: ping(),
      dht: kadDHT({
        protocol: '/ipfs/kad/1.0.0',
        clientMode: false,
        peerInfoMapper: passthroughMapper,
        validators: { test: async () => {} },
        selectors: { test: () => 0 }
      }),
      pubsub: gossipsub(),
      ...options.services
    }
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
async function live (nodes: TestNodes, manager: ResourceManagerInit | false): Promise<Record<string, unknown>> {
  const relay = await nodes.create(application(manager, {
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'] },
    services: { relay: circuitRelayServer() }
  }))
  const [tcpAddress, wsAddress] = relay.getMultiaddrs()
  const listener = await nodes.create(application(manager, { addresses: { listen: [`${tcpAddress}/p2p-circuit`, '/webrtc'] } }))
  const dialer = await nodes.create(application(manager))
  const all: TestNode[] = [relay, listener, dialer]

  const overWebSockets = await dialer.dial(wsAddress)
  const overRelay = await dialer.dial(multiaddr(`${tcpAddress}/p2p-circuit/p2p/${listener.peerId}`))
  const overWebRtc = await dialWebRtc(dialer, multiaddr(`${tcpAddress}/p2p-circuit/webrtc/p2p/${listener.peerId}`))

  await eventually(() => dialer.services.dht.routingTable.size === 2, 'the routing table')
  all.forEach(node => { node.services.pubsub.subscribe('topic') })
  await eventually(() => all.every(node => node.services.pubsub.getSubscribers('topic').length === 2), 'the subscriptions')

  const received = Promise.withResolvers<Uint8Array>()
  listener.services.pubsub.addEventListener('gossipsub:message', ({ detail }: any) => { received.resolve(detail.msg.data) })
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
    dialledNobody: await dialer.dial(multiaddr('/ip4/127.0.0.1/tcp/1')).catch(({ name }) => name),
    services: all.map(({ services }) => Object.keys(services).filter(name => name !== 'resourceManager'))
  }
}

describe('an ordinary application', function () {
  // two WebRTC nodes on one machine now and then never find each other, with and
  // without a resource manager
  this.retries(2)

  const nodes = new TestNodes()

  afterEach(async () => {
    await nodes.stop()
  })

  it('should behave with a resource manager as it does without one', async () => {
    const without = await live(nodes, false)
    const withManager = await live(nodes, {})

    expect(withManager).to.deep.equal(without)
    expect(without).to.deep.include({ published: VALUE, found: VALUE })
  })
})
