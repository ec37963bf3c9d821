import { expect } from 'aegir/chai'
import { createResourceManager, RateLimitExceededError, StreamLimitExceededError } from '../../src/index.ts'
import { IPLimiter } from '../../src/sessions.ts'
import { refusalCounts } from '../scopes/fixtures.ts'
import { eventually, eventuallyEqual, rejection } from './fixtures/eventually.ts'
import { Inbox, PROTOCOL } from './fixtures/inbox.ts'
import { otherEnd, TestNodes } from './fixtures/nodes.ts'
import { overMemory } from './fixtures/transports.ts'
import type { TestNode } from './fixtures/nodes.ts'
import type { Pair, PairOptions } from './suite/transport.ts'
import type { Collector, ResourceManagerInit, ServiceCollectorConfig, SessionsInit } from '../../src/index.ts'
import type { Connection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

const SERVICE = 'test.service'
const COLLECTOR = 'testService'
const OTHER = 'other'

function observing (config: ServiceCollectorConfig = {}, init: ResourceManagerInit = {}): { manager: ResourceManagerInit } {
  return { manager: { services: { [SERVICE]: [PROTOCOL] }, sessions: { collectors: { [SERVICE]: config } }, ...init } }
}

function collectorOf (node: TestNode, id: string = COLLECTOR): Collector {
  const collector = node.services.resourceManager.sessions.collector(id)

  if (collector == null) {
    expect.fail(`there is no collector ${id}`)
  }

  return collector
}

function transferred (node: TestNode, id?: string): Array<[number, number]> {
  return collectorOf(node, id).active().map(({ rxBytes, txBytes }) => [rxBytes, txBytes])
}

function withoutPeer (address: Multiaddr): string {
  return address.toString().replace(/\/p2p\/[^/]*$/, '')
}

describe('sessions of streams', () => {
  const nodes = new TestNodes()

  afterEach(async () => {
    await nodes.stop()
  })

  async function connect (options: PairOptions): Promise<Pair & { inbox: Inbox, local: Connection }> {
    const pair = await overMemory().connect(nodes, options)
    const inbox = await Inbox.of(pair.listener)
    const local = await pair.dialer.dial(pair.address)
    await otherEnd(local, pair.dialer, pair.listener)

    return { ...pair, inbox, local }
  }

  it('should have the protocol, address and peer of the stream, at both ends', async () => {
    const { dialer, listener, inbox, local } = await connect({ dialer: observing(), listener: observing() })
    const stream = await local.newStream(PROTOCOL)
    const inbound = await inbox.next()

    stream.send(new Uint8Array(1000))
    inbound.send(new Uint8Array(10))

    await eventuallyEqual(() => [transferred(dialer), transferred(listener)], [[[10, 1000]], [[1000, 10]]], 'the bytes')
    expect(collectorOf(dialer).active()[0]).to.include({
      id: dialer.services.resourceManager.getStreamScope(stream).name,
      reference: PROTOCOL,
      location: withoutPeer(local.remoteAddr),
      peer: listener.peerId.toString()
    })
    expect(collectorOf(listener).active()[0]).to.include({
      id: listener.services.resourceManager.getStreamScope(inbound).name,
      reference: PROTOCOL,
      peer: dialer.peerId.toString()
    })
  })

  it('should become part of the history when the stream ends, whatever the reason', async () => {
    const { listener, local } = await connect({ listener: observing() })
    const closed = await local.newStream(PROTOCOL)
    const aborted = await local.newStream(PROTOCOL)

    closed.send(new Uint8Array(100))
    aborted.send(new Uint8Array(200))
    await eventuallyEqual(() => transferred(listener), [[100, 0], [200, 0]], 'the bytes')

    await closed.close()
    aborted.abort(new Error('aborted by the test'))

    await eventually(() => collectorOf(listener).sessions() === 0, 'the end of the sessions')
    expect(collectorOf(listener).summary().summary).to.deep.include({ totalSessions: 2, totalRxBytes: 300, totalTxBytes: 0 })
    expect(collectorOf(listener).summary().summary.references).to.have.property(PROTOCOL)
  })

  it('should be pending until there are bytes, and leave nothing if there are none', async () => {
    const { dialer, local, inbox } = await connect({ dialer: observing() })
    const stream = await local.newStream(PROTOCOL)
    await inbox.next()
    const { name } = dialer.services.resourceManager.getStreamScope(stream)

    expect(collectorOf(dialer).isKnownSession(name)).to.be.true()
    expect(collectorOf(dialer).sessions()).to.equal(0)

    await stream.close()
    await eventually(() => !collectorOf(dialer).isKnownSession(name), 'the end of the session')
    expect(collectorOf(dialer).summary().summary.totalSessions).to.equal(0)
  })

  it('should count what arrives and is never read', async () => {
    const { listener, dialer, local } = await connect({ listener: observing() })
    await listener.unhandle(PROTOCOL)
    await listener.handle(PROTOCOL, (stream) => { stream.pause() })

    const stream = await local.newStream(PROTOCOL)
    stream.send(new Uint8Array(5000))

    await eventuallyEqual(() => transferred(listener), [[5000, 0]], 'the bytes')
    expect(listener.getConnections(dialer.peerId)[0].streams[0].readBufferLength).to.equal(5000)
  })

  it('should not count twice what is put back and read again', async () => {
    const { listener, local } = await connect({ listener: observing() })
    const read: number[] = []
    await listener.unhandle(PROTOCOL)
    await listener.handle(PROTOCOL, (stream) => {
      stream.addEventListener('message', ({ data }) => {
        read.push(data.byteLength)

        if (read.length === 1) {
          stream.unshift(data)
        }
      })
    })

    const stream = await local.newStream(PROTOCOL)
    stream.send(new Uint8Array(5000))

    await eventuallyEqual(() => read, [5000, 5000], 'the messages')
    expect(transferred(listener)).to.deep.equal([[5000, 0]])
  })

  it('should not count what could not be sent', async () => {
    const { dialer, listener, local } = await connect({ dialer: observing() })
    await listener.unhandle(PROTOCOL)
    await listener.handle(PROTOCOL, (stream) => { stream.pause() })

    const stream = await local.newStream(PROTOCOL)
    stream.send(new Uint8Array(2 ** 20))
    await eventually(() => stream.writeBufferLength < 2 ** 20, 'the first bytes to be sent')

    expect(transferred(dialer)).to.deep.equal([[0, 2 ** 20 - stream.writeBufferLength]])
    expect(stream.writeBufferLength).to.be.greaterThan(0)
  })

  it('should be one again when a stream goes on after the collector has forgotten it', async () => {
    const { listener, local, inbox } = await connect({ listener: observing() })
    const collector = collectorOf(listener)
    const stream = await local.newStream(PROTOCOL)
    const inbound = await inbox.next()
    const { name } = listener.services.resourceManager.getStreamScope(inbound)

    stream.send(new Uint8Array(100))
    await eventuallyEqual(() => transferred(listener), [[100, 0]], 'the bytes')

    // as it does with one that is idle
    collector.unregister(name)
    stream.send(new Uint8Array(10))

    await eventuallyEqual(() => transferred(listener), [[10, 0]], 'the bytes')
    expect(collector.active()[0]).to.include({ id: name, reference: PROTOCOL })
    expect(collector.summary().summary).to.include({ totalSessions: 1, totalRxBytes: 100 })
  })

  it('should begin when the handler says which service it is', async () => {
    const { listener, local } = await connect({ listener: observing({}, { services: {} }) })
    await listener.unhandle(PROTOCOL)
    await listener.handle(PROTOCOL, (stream) => {
      listener.services.resourceManager.getStreamScope(stream).setService(SERVICE)
    })

    const stream = await local.newStream(PROTOCOL)
    stream.send(new Uint8Array(100))

    await eventuallyEqual(() => transferred(listener), [[100, 0]], 'the bytes')
  })

  it('should be of no other service', async () => {
    const { listener, local, inbox } = await connect({
      listener: observing({}, { sessions: { collectors: { [SERVICE]: {}, [OTHER]: {} } } })
    })
    await Inbox.of(listener, '/unobserved/1.0.0')
    await local.newStream('/unobserved/1.0.0').then(stream => stream.send(new Uint8Array(10)))
    const stream = await local.newStream(PROTOCOL)
    await inbox.next()

    stream.send(new Uint8Array(100))

    await eventuallyEqual(() => transferred(listener), [[100, 0]], 'the bytes')
    expect(transferred(listener, OTHER)).to.be.empty()
  })

  it('should ask an IP limiter only about IP addresses', async () => {
    const { listener, local, inbox } = await connect({ listener: observing({ limiter: new IPLimiter({ allow: ['10.0.0.0/8'] }) }) })
    const stream = await local.newStream(PROTOCOL)
    await inbox.next()

    stream.send(new Uint8Array(100))

    await eventuallyEqual(() => transferred(listener), [[100, 0]], 'the bytes')
  })

  it('should go on after a restart of the node, which ends them', async () => {
    const { dialer, listener, local, inbox } = await connect({ dialer: observing() })
    const stream = await local.newStream(PROTOCOL)
    await inbox.next()
    stream.send(new Uint8Array(100))

    await dialer.stop()
    expect(collectorOf(dialer).sessions()).to.equal(0)
    expect(collectorOf(dialer).summary().summary).to.include({ totalSessions: 1, totalTxBytes: 100 })

    await dialer.start()
    const again = await dialer.dialProtocol(listener.getMultiaddrs()[0], PROTOCOL)
    again.send(new Uint8Array(10))
    await eventuallyEqual(() => transferred(dialer), [[0, 10]], 'the bytes')
  })
})

describe('sessions of connections', () => {
  const nodes = new TestNodes()

  afterEach(async () => {
    await nodes.stop()
  })

  it('should have everything that is sent on the connection', async () => {
    const manager = { sessions: { collectors: { connections: {} } } }
    const { dialer, listener, address } = await overMemory().connect(nodes, { dialer: { manager }, listener: { manager } })
    const inbox = await Inbox.of(listener)
    const connection = await dialer.dial(address)
    const stream = await connection.newStream(PROTOCOL)
    await inbox.next()
    const [[, before]] = transferred(dialer, 'connections')

    stream.send(new Uint8Array(100_000))

    await eventually(() => transferred(listener, 'connections')[0][0] > 100_000, 'the bytes')
    const [[, after]] = transferred(dialer, 'connections')
    // encryption and the muxer need some too
    expect(after - before).to.be.within(100_000, 105_000)
    expect(collectorOf(dialer, 'connections').active()[0]).to.include({
      id: dialer.services.resourceManager.getConnectionScope(connection).name,
      reference: 'outbound',
      location: withoutPeer(connection.remoteAddr),
      peer: listener.peerId.toString()
    })

    await connection.close()
    await eventually(() => collectorOf(listener, 'connections').sessions() === 0, 'the end of the session')
    expect(collectorOf(listener, 'connections').summary().summary.references).to.have.keys(['inbound'])
  })

  it('should be refused when there are too many', async () => {
    const { dialer, address } = await overMemory().connect(nodes, {
      listener: { manager: { sessions: { collectors: { connections: { maxSessions: 1 } } } } },
      dialer: { manager: { sessions: { collectors: { connections: { maxSessions: 1 } } } } }
    })
    const connection = await dialer.dial(address)

    await rejection(dialer.dial(address, { force: true }))
    expect(refusalCounts(dialer.services.resourceManager)).to.deep.equal([
      { kind: 'collector', resource: 'connection', direction: 'outbound', count: 1 }
    ])

    await connection.close()
    await dialer.dial(address)
  })
})

describe('limits of sessions', () => {
  const nodes = new TestNodes()

  afterEach(async () => {
    await nodes.stop()
  })

  async function connect (config: ServiceCollectorConfig, init?: ResourceManagerInit): Promise<{ dialer: TestNode, listener: TestNode, local: Connection, inbox: Inbox }> {
    const { dialer, listener, address } = await overMemory().connect(nodes, { dialer: observing(config, init) })
    const inbox = await Inbox.of(listener)

    return { dialer, listener, inbox, local: await dialer.dial(address) }
  }

  it('should refuse a stream above the most sessions, and tell which setting it was', async () => {
    const { dialer, local } = await connect({ maxSessions: 2 })
    const first = await local.newStream(PROTOCOL)
    await local.newStream(PROTOCOL)

    const error = await rejection(local.newStream(PROTOCOL))

    expect(error).to.be.instanceOf(StreamLimitExceededError)
    expect(error).to.include({
      message: `collector:${SERVICE}: cannot reserve outbound stream: session limit exceeded`,
      scope: `collector:${SERVICE}`,
      resource: 'stream',
      direction: 'outbound',
      current: 2,
      attempted: 1,
      limit: 2,
      setting: 'sessions.collectors["test.service"].maxSessions'
    })
    expect(refusalCounts(dialer.services.resourceManager)).to.deep.equal([
      { kind: 'collector', resource: 'stream', direction: 'outbound', count: 1 }
    ])
    expect(dialer.services.resourceManager.stat().services[SERVICE].numStreamsOutbound).to.equal(2)

    await first.close()
    await eventually(() => local.streams.length === 1, 'the end of the first stream')
    await local.newStream(PROTOCOL)
  })

  it('should reset an inbound stream above the most sessions', async () => {
    const { dialer, listener, address } = await overMemory().connect(nodes, { listener: observing({ maxSessions: 1 }) })
    const inbox = await Inbox.of(listener)
    const local = await dialer.dial(address)
    await local.newStream(PROTOCOL)
    await inbox.next()

    const second = await local.newStream(PROTOCOL).catch(() => {})

    await eventually(() => second?.status !== 'open', 'the reset of the stream')
    expect(inbox.streams).to.have.lengthOf(1)
  })

  for (const [setting, direction] of [['maxRxBitrate', 'ingress'], ['maxTxBitrate', 'egress']] as const) {
    it(`should refuse a stream above the ${setting}`, async () => {
      // 1000 bytes in ten seconds
      const { dialer, local, inbox } = await connect({ [setting]: 800 })
      const collector = collectorOf(dialer)
      const stream = await local.newStream(PROTOCOL)
      await inbox.next()
      const { name } = dialer.services.resourceManager.getStreamScope(stream)

      collector[direction](name, 1000)
      await local.newStream(PROTOCOL)
      collector[direction](name, 1)

      const error = await rejection(local.newStream(PROTOCOL))

      expect(error).to.be.instanceOf(RateLimitExceededError)
      expect(error).to.include({
        message: `collector:${SERVICE}: cannot reserve outbound stream: bit rate limit exceeded`,
        resource: 'rate',
        current: 800.8,
        limit: 800,
        setting: `sessions.collectors["test.service"].${setting}`
      })
    })
  }

  it('should count companions where they are asked for', async () => {
    const collectors: SessionsInit['collectors'] = {
      [SERVICE]: { maxRxBitrate: 800, companions: [OTHER] },
      [OTHER]: { maxRxBitrate: 800 }
    }
    const { dialer, local } = await connect({}, { sessions: { collectors } })

    collectorOf(dialer, OTHER).registerAndActivate('a', '', '', '')
    collectorOf(dialer, OTHER).ingress('a', 1000)
    await local.newStream(PROTOCOL)
    collectorOf(dialer).registerAndActivate('b', '', '', '')
    collectorOf(dialer).ingress('b', 1)

    expect(await rejection(local.newStream(PROTOCOL))).to.be.instanceOf(RateLimitExceededError)
    // the other one has no companions
    const scope = dialer.services.resourceManager.openStream(local.remotePeer, 'outbound')
    scope.setProtocol(PROTOCOL)
    scope.setService(OTHER)
    scope.done()
  })

  it('should not refuse because of a bit rate where streams are slowed instead', async () => {
    const { dialer, local } = await connect({ maxTxBitrate: 800, maxSessions: 2, throttle: true })
    const first = await local.newStream(PROTOCOL)

    collectorOf(dialer).egress(dialer.services.resourceManager.getStreamScope(first).name, 10_000)
    await local.newStream(PROTOCOL)
    expect(await rejection(local.newStream(PROTOCOL))).to.be.instanceOf(StreamLimitExceededError)
  })

  it('should not take a service for the connections', async () => {
    const { dialer, local } = await connect({}, { services: { connections: [PROTOCOL] }, sessions: { collectors: { connections: { maxSessions: 1 } } } })

    await local.newStream(PROTOCOL).then(stream => stream.send(new Uint8Array(10)))
    expect(collectorOf(dialer, 'connections').active().map(({ id }) => id)).to.deep.equal(['conn-1'])
  })

  it('should let everything in and count it in a dry run', async () => {
    const { dialer, local } = await connect({ maxSessions: 1 }, { enforce: false })

    await local.newStream(PROTOCOL)
    await local.newStream(PROTOCOL)

    expect(refusalCounts(dialer.services.resourceManager)).to.deep.equal([
      { kind: 'collector', resource: 'stream', direction: 'outbound', count: 1 }
    ])
  })

  it('should refuse in setService, and change nothing', async () => {
    const { dialer, local } = await connect({ maxSessions: 1 }, { services: {} })
    const { resourceManager } = dialer.services
    const [first, second] = [await local.newStream(PROTOCOL), await local.newStream(PROTOCOL)]

    resourceManager.getStreamScope(first).setService(SERVICE)
    expect(() => { resourceManager.getStreamScope(second).setService(SERVICE) }).to.throw(StreamLimitExceededError)
    expect(resourceManager.getStreamScope(second).serviceScope).to.equal(undefined)

    resourceManager.getStreamScope(second).setService(OTHER)
    expect(resourceManager.getStreamScope(second).serviceScope).to.have.property('name', `service:${OTHER}`)
  })
})

describe('collectors of services', () => {
  it('should be in the registry, with letters and digits as ids', () => {
    const { sessions } = createResourceManager({
      sessions: { collectors: { 'libp2p.relay/v2': { maxSessions: 3 }, '/my-service/1.0.0/': {}, connections: {} } }
    })

    expect(sessions.collectors()).to.deep.equal(['libp2pRelayV2', 'MyService100', 'connections'])
    expect(sessions.summary('libp2pRelayV2').maxSessions).to.equal(3)
  })

  it('should not be there by default', () => {
    expect(createResourceManager().sessions.collectors()).to.be.empty()
    expect(createResourceManager({ sessions: {} }).sessions.collectors()).to.be.empty()
    expect(createResourceManager({ enabled: false }).sessions.collectors()).to.be.empty()
  })

  for (const [expected, sessions] of Object.entries<any>({
    'sessions: expected an object, got 1': 1,
    'sessions.collectors: expected an object, got ': { collectors: [] },
    'sessions.collectors.a: expected an object, got null': { collectors: { a: null } },
    'sessions.collectors["a.b"].maxSessions: expected a whole number': { collectors: { 'a.b': { maxSessions: 1.5 } } },
    'sessions.collectors.a.maxRxBitrate: expected a number of bit/s, got NaN': { collectors: { a: { maxRxBitrate: NaN } } },
    'sessions.collectors: expected names of services with letters or digits, got "***"': { collectors: { '***': {} } },
    'sessions.collectors: expected one service for the id aB, as "a.b" has it, got "a/b"': { collectors: { 'a.b': {}, 'a/b': {} } },
    'sessions.collectors.a.companions: expected a list, got "b"': { collectors: { a: { companions: 'b' }, b: {} } },
    'sessions.collectors.a.companions[0]: expected another service that has a collector, got "a"': { collectors: { a: { companions: ['a'] } } },
    'sessions.collectors.a.throttle: expected true or false, got 1': { collectors: { a: { throttle: 1, maxRxBitrate: 1 } } },
    'sessions.collectors.a.throttle: expected false where there is neither a maxRxBitrate nor a maxTxBitrate, got true': { collectors: { a: { throttle: true, maxRxBitrate: 0 } } },
    'sessions.collectors.a.throttle: expected false where there are companions, got true': { collectors: { a: { throttle: true, maxRxBitrate: 1, companions: ['b'] }, b: {} } },
    'sessions.throttle: expected an object, got true': { throttle: true },
    'sessions.throttle.peer: expected an object, got 5': { throttle: { peer: 5 } },
    'sessions.throttle.system.maxTxBitrate: expected a number of bit/s, got Infinity': { throttle: { system: { maxTxBitrate: Infinity } } },
    'sessions.collectors.a.companions[1]: expected another service that has a collector, got "toString"': { collectors: { a: { companions: ['b', 'toString'] }, b: {} } }
  })) {
    it(`should be refused where they cannot be used: ${expected}`, () => {
      expect(() => createResourceManager({ sessions })).to.throw(expected).with.property('name', 'InvalidParametersError')
    })
  }
})
