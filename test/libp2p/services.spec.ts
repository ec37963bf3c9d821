import { echo } from '@libp2p/echo'
import { fetch } from '@libp2p/fetch'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { InvalidParametersError } from '@libp2p/interface'
import { kadDHT } from '@libp2p/kad-dht'
import { ping } from '@libp2p/ping'
import { expect } from 'aegir/chai'
import { StreamLimitExceededError } from '../../src/index.ts'
import { WELL_KNOWN_SERVICES } from '../../src/limits/well-known-services.ts'
import { eventually, rejection } from './fixtures/eventually.ts'
import { Inbox, PROTOCOL } from './fixtures/inbox.ts'
import { eventuallyHeld, held, otherEnd, TestNodes } from './fixtures/nodes.ts'
import { overMemory } from './fixtures/transports.ts'
import type { TestNode } from './fixtures/nodes.ts'
import type { ResourceManagerInit } from '../../src/index.ts'
import type { ServiceFactoryMap } from 'libp2p'

interface RunningService {
  service: string
  services: ServiceFactoryMap<any>

  /** Makes the dialer open a stream of the service */
  use(dialer: TestNode, listener: TestNode): Promise<unknown>
}

const RUNNING: Record<string, RunningService> = {
  identify: {
    service: 'libp2p.identify',
    services: { identify: identify({ runOnConnectionOpen: false }) },
    use: async (dialer) => dialer.services.identify.identify(dialer.getConnections()[0])
  },
  'identify of a private network': {
    service: 'libp2p.identify',
    services: { identify: identify({ protocolPrefix: 'mynet', runOnConnectionOpen: false }) },
    use: async (dialer) => dialer.services.identify.identify(dialer.getConnections()[0])
  },
  'ping of a private network': {
    service: 'libp2p.ping',
    services: { ping: ping({ protocolPrefix: 'my/net' }) },
    use: async (dialer, listener) => dialer.services.ping.ping(listener.peerId)
  },
  ping: {
    service: 'libp2p.ping',
    services: { ping: ping() },
    use: async (dialer, listener) => dialer.services.ping.ping(listener.peerId)
  },
  fetch: {
    service: 'libp2p.fetch',
    services: { fetch: fetch() },
    use: async (dialer, listener) => dialer.services.fetch.fetch(listener.peerId, '/test/key')
  },
  echo: {
    service: 'libp2p.echo',
    services: { echo: echo() },
    use: async (dialer, listener) => dialer.services.echo.echo(listener.peerId, Uint8Array.of(1, 2, 3))
  }
}

describe('services', () => {
  const nodes = new TestNodes()

  afterEach(async () => {
    await nodes.stop()
  })

  async function connect (services: ServiceFactoryMap<any>, manager?: ResourceManagerInit): Promise<{ dialer: TestNode, listener: TestNode }> {
    const { dialer, listener, address } = await overMemory().connect(nodes, {
      dialer: { services, manager },
      listener: { services }
    })
    await listener.services.fetch?.registerLookupFunction('/test/', async () => Uint8Array.of(1))
    await otherEnd(await dialer.dial(address), dialer, listener)

    return { dialer, listener }
  }

  for (const [name, { service, services, use }] of Object.entries(RUNNING)) {
    it(`should account for ${name} under ${service}`, async () => {
      const { dialer, listener } = await connect(services)
      const connected = [held(dialer), held(listener)]

      await use(dialer, listener)

      expect(dialer.services.resourceManager.listServices()).to.deep.equal([service])
      expect(listener.services.resourceManager.listServices()).to.deep.equal([service])
      await eventuallyHeld(dialer, connected[0])
      await eventuallyHeld(listener, connected[1])
    })

    it(`should refuse ${name} when ${service} is blocked`, async () => {
      const { dialer, listener } = await connect(services, { limits: { service: { [service]: { streams: 'blockAll' } } } })

      const error = await rejection(use(dialer, listener))

      expect(error).to.be.instanceOf(StreamLimitExceededError)
      expect(error.scope).to.equal(`service:${service}`)
    })
  }

  it('should account for the DHT and for gossipsub while they do their work', async () => {
    const services = {
      identify: identify(),
      ping: ping(),
      dht: kadDHT({ protocol: '/ipfs/kad/1.0.0', clientMode: false, peerInfoMapper: (peer) => peer, allowQueryWithZeroPeers: true }),
      pubsub: gossipsub({ allowPublishToZeroTopicPeers: true })
    }
    const { dialer, listener } = await connect(services)
    const received = Promise.withResolvers<Uint8Array>()
    listener.services.pubsub.addEventListener('gossipsub:message', ({ detail }: any) => { received.resolve(detail.msg.data) })
    listener.services.pubsub.subscribe('topic')

    await eventually(() => dialer.services.pubsub.getSubscribers('topic').length === 1, 'the subscription')
    await dialer.services.pubsub.publish('topic', Uint8Array.of(1, 2, 3))
    expect(await received.promise).to.deep.equal(Uint8Array.of(1, 2, 3))
    expect(held(dialer)['libp2p.pubsub']).to.include({ numStreamsOutbound: 1 })
    expect(held(listener)['libp2p.pubsub']).to.include({ numStreamsInbound: 1 })

    await eventually(() => dialer.services.dht.routingTable.size === 1, 'the routing table')
    const closest = []

    for await (const event of dialer.services.dht.getClosestPeers(listener.peerId.toMultihash().bytes, { signal: AbortSignal.timeout(10_000) })) {
      closest.push(event)
    }

    expect(closest).to.not.be.empty()
    expect(dialer.services.resourceManager.listServices()).to.include.members(['libp2p.identify', 'libp2p.kad', 'libp2p.pubsub'])
    expect(listener.services.resourceManager.listServices()).to.include.members(['libp2p.identify', 'libp2p.kad', 'libp2p.pubsub'])
  })

  it('should be asked for a protocol of their own, by whatever name the node has them', async () => {
    const services = {
      identify: identify(),
      ping: ping(),
      anything: kadDHT({ protocol: '/of-its-own/2', clientMode: false, peerInfoMapper: (peer) => peer, allowQueryWithZeroPeers: true })
    }
    const { dialer, listener } = await connect(services)

    await eventually(() => dialer.services.anything.routingTable.size === 1, 'the routing table')
    await dialer.getConnections()[0].newStream('/of-its-own/2')

    expect(held(dialer)['libp2p.kad']).to.include({ numStreamsOutbound: 1 })
    expect(dialer.services.resourceManager.stat().protocols).to.have.property('/of-its-own/2')
    await eventually(() => held(listener)['libp2p.kad']?.numStreamsInbound === 1, 'the inbound stream')
  })

  it('should not be asked where the user says otherwise, or the table is off', async () => {
    for (const [manager, expected] of [[{ services: { mine: ['/of-its-own/2'] } }, ['mine']], [{ services: { mine: ['/of-*'] } }, ['mine']], [{ services: false }, []]] as Array<[ResourceManagerInit, string[]]>) {
      const { dialer, listener } = await connect({ dht: kadDHT({ protocol: '/of-its-own/2', clientMode: true, peerInfoMapper: (peer) => peer }), identify: identify({ runOnConnectionOpen: false }), ping: ping() }, manager)

      await Inbox.of(listener, '/of-its-own/2')
      await dialer.getConnections()[0].newStream('/of-its-own/2')
      expect(dialer.services.resourceManager.listServices().filter(name => name !== 'libp2p.identify')).to.deep.equal(expected)
    }
  })

  for (const [service, protocols] of Object.entries(WELL_KNOWN_SERVICES)) {
    it(`should be found for the protocols of ${service}`, async () => {
      const { dialer, listener } = await connect({})

      for (const protocol of protocols) {
        await Inbox.of(listener, protocol)
        await dialer.getConnections()[0].newStream(protocol)
      }

      expect(held(dialer)[service]).to.deep.equal({ numStreamsOutbound: protocols.length })
      await eventually(() => held(listener)[service]?.numStreamsInbound === protocols.length, 'the inbound streams')
    })
  }

  it('should be extended and overridden by the user', async () => {
    const { dialer, listener } = await connect({ ping: ping() }, { services: { mine: ['/ipfs/ping/1.0.0', PROTOCOL] } })
    await Inbox.of(listener)
    await Inbox.of(listener, '/perf/1.0.0')

    await dialer.services.ping.ping(listener.peerId)
    await dialer.dialProtocol(listener.peerId, PROTOCOL)
    await dialer.dialProtocol(listener.peerId, '/perf/1.0.0')

    expect(dialer.services.resourceManager.listServices().sort()).to.deep.equal(['libp2p.perf', 'mine'])
    expect(held(dialer).mine).to.deep.equal({ numStreamsOutbound: 1 })
  })

  it('should not be found when the table is off', async () => {
    const { dialer, listener } = await connect({ ping: ping() }, { services: false })

    await dialer.services.ping.ping(listener.peerId)

    expect(dialer.services.resourceManager.listServices()).to.be.empty()
    expect(dialer.services.resourceManager.listProtocols()).to.deep.equal(['/ipfs/ping/1.0.0'])
  })

  const INVALID: Record<string, any> = {
    'services: expected a non-empty name': { '': [PROTOCOL] },
    'services.mine: expected a list of protocols, got "/ipfs/ping/1.0.0"': { mine: '/ipfs/ping/1.0.0' },
    'services.mine[0]: expected a protocol, got ""': { mine: [''] },
    'services.mine[1]: expected a protocol, got 1': { mine: [PROTOCOL, 1] }
  }

  for (const [message, services] of Object.entries(INVALID)) {
    it(`should refuse a table with the message ${message}`, async () => {
      const error = await rejection(nodes.create({ manager: { services } }))

      expect(error).to.be.instanceOf(InvalidParametersError)
      expect(error.message).to.include(message)
    })
  }
})
