import { KEEP_ALIVE } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { EvictedError } from '../../src/index.ts'
import { attachedToConnection } from '../../src/scopes/attached-scopes.ts'
import { CapturedLogger } from './fixtures/captured-logger.ts'
import { eventually, eventuallyEqual, rejection } from './fixtures/eventually.ts'
import { Inbox, PROTOCOL } from './fixtures/inbox.ts'
import { componentsOf, memoryAddress, muxerOf, otherEnd, TestNodes } from './fixtures/nodes.ts'
import type { TestNode } from './fixtures/nodes.ts'
import type { ResourceManagerInit } from '../../src/index.ts'
import type { Connection, Stream } from '@libp2p/interface'

/**
 * Memory addresses have no IP address: those who connect share one group, and the peers
 * in it share what there is
 */
describe('sharing fairly on a node', () => {
  const nodes = new TestNodes()

  afterEach(async () => {
    await nodes.stop()
  })

  async function listen (manager: ResourceManagerInit, logger = new CapturedLogger()): Promise<{ node: TestNode, address: string }> {
    const address = memoryAddress()
    const node = await nodes.create({ addresses: { listen: [address] }, logger, manager: { fairness: { protect: 0 }, ...manager } })

    return { node, address }
  }

  async function connect (address: string, times = 1): Promise<{ dialer: TestNode, connections: Connection[] }> {
    const dialer = await nodes.create({ manager: false })
    const connections: Connection[] = []

    for (let i = 0; i < times; i++) {
      connections.push(await dialer.dial(multiaddr(address), { force: true }))
    }

    return { dialer, connections }
  }

  function open (connections: Connection[]): number {
    return connections.filter(({ status }) => status === 'open').length
  }

  function evictions (node: TestNode): object[] {
    return node.services.resourceManager.evictions()
  }

  it('should let a stranger connect to a node that one peer has filled', async () => {
    const logger = new CapturedLogger()
    const { node, address } = await listen({ limits: { system: { connsInbound: 4 } } }, logger)
    const hostile = await connect(address, 4)
    await eventually(() => node.getConnections().length === 4, 'the connections')

    const stranger = await connect(address)
    await otherEnd(stranger.connections[0], stranger.dialer, node)

    expect(node.getConnections().filter(({ remotePeer }) => remotePeer.equals(hostile.dialer.peerId))).to.have.lengthOf(3)
    await eventually(() => open(hostile.connections) === 3, 'the end of the youngest')
    expect(hostile.connections[3].status).not.to.equal('open')
    expect(evictions(node)).to.deep.equal([{ kind: 'system', resource: 'connection', count: 1 }])
    expect(node.services.resourceManager.refusals()).to.deep.equal([])

    // one by one: whose, why, to whom, and the setting
    const [recent, ...more] = node.services.resourceManager.recentEvictions()

    expect(more).to.deep.equal([])
    expect(recent).to.include({ kind: 'system', scope: 'system', resource: 'connection', current: 4, limit: 4, setting: 'System.ConnsInbound', peer: hostile.dialer.peerId.toString() })
    expect(recent.address).to.match(/^\/memory\//)
    expect(recent.from).to.have.lengthOf(4)
    expect(recent.from[3]).to.equal(recent.peer)
    expect(recent.to.slice(0, 3)).to.deep.equal(recent.from.slice(0, 3))
    expect(recent.to[3]).not.to.equal(recent.peer)
    expect(Date.now() - recent.time).to.be.within(0, 60_000)
    expect(String(node.services.resourceManager)).to.match(/gave way to others: 1 connection in system$/)

    await node.services.resourceManager.stop()
    expect(logger.errors.filter(line => line.includes('gave way'))).to.deep.equal([
      '%s system: 1 inbound connection gave way to others in 10 s, most often of no IP address, last to no IP address: 4 of 4 in use, see System.ConnsInbound'
    ])
  })

  it('should refuse the last one where that is what was asked for', async () => {
    for (const manager of [{ fairness: false as const }, { features: {} }]) {
      const { node, address } = await listen({ limits: { system: { connsInbound: 4 } }, ...manager, ...manager.features == null ? {} : { fairness: undefined } })
      const hostile = await connect(address, 4)
      await eventually(() => node.getConnections().length === 4, 'the connections')

      await rejection(connect(address))
      expect(open(hostile.connections)).to.equal(4)
      expect(evictions(node)).to.deep.equal([])
    }
  })

  it('should not end anything when nobody holds more than the others', async () => {
    const { node, address } = await listen({ limits: { system: { connsInbound: 3 } } })
    const peers = [await connect(address), await connect(address), await connect(address)]
    await eventually(() => node.getConnections().length === 3, 'the connections')

    await rejection(connect(address))
    expect(peers.every(({ connections }) => open(connections) === 1)).to.equal(true)
    expect(evictions(node)).to.deep.equal([])
  })

  it('should not end connections of peers with a keep-alive tag, whether tagged before or while they are connected', async () => {
    for (const isTaggedBefore of [true, false]) {
      const { node, address } = await listen({ limits: { system: { connsInbound: 3 } } })
      const friend = await nodes.create({ manager: false })
      const tag = async (): Promise<unknown> => node.peerStore.merge(friend.peerId, { tags: { [`${KEEP_ALIVE}-test`]: { value: 1 } } })

      isTaggedBefore && await tag()

      for (let i = 0; i < 3; i++) {
        await friend.dial(multiaddr(address), { force: true })
      }

      await eventually(() => node.getConnections().length === 3, 'the connections')
      isTaggedBefore || await tag()
      await rejection(connect(address))
      expect(friend.getConnections()).to.have.lengthOf(3)
      expect(evictions(node)).to.deep.equal([])
    }
  })

  it('should say who would give way, and change nothing by that', async () => {
    const { node, address } = await listen({ limits: { system: { connsInbound: 2 } } })

    await connect(address, 2)
    await eventually(() => node.getConnections().length === 2, 'the connections')

    const before = JSON.stringify(node.services.resourceManager.stat())
    const explanation = node.services.resourceManager.explain({ resource: 'connection', direction: 'inbound' })

    expect(explanation).to.include({ fits: true }).and.have.property('givesWay').that.deep.equals(['conn-2'])
    expect(node.services.resourceManager.explain({ resource: 'connection', direction: 'outbound' })).not.to.have.property('givesWay')
    expect(JSON.stringify(node.services.resourceManager.stat())).to.equal(before)
    expect(evictions(node)).to.deep.equal([])
  })

  it('should reset the idlest stream of the peer that has most of a protocol', async () => {
    const { node, address } = await listen({ limits: { protocol: { [PROTOCOL]: { streamsInbound: 3 } } } })
    const inbox = await Inbox.of(node)
    const hostile = await connect(address)
    const streams: Stream[] = []
    const errors: unknown[] = []

    for (let i = 0; i < 3; i++) {
      streams.push(await hostile.connections[0].newStream(PROTOCOL))
      const inbound = await inbox.next()
      inbound.addEventListener('close', event => { errors.push((event as any).error) })
    }

    // the first one has something to say
    streams[0].send(new Uint8Array(1))
    await eventually(() => streams[0].writeBufferLength === 0, 'the byte')

    const honest = await connect(address)
    const served = await honest.connections[0].newStream(PROTOCOL)
    await inbox.next()

    await eventually(() => streams.some(({ status }) => status !== 'open'), 'the reset')
    expect(streams.map(({ status }) => status === 'open')).to.deep.equal([true, false, true])
    expect(served.status).to.equal('open')
    expect(errors[0]).to.be.instanceOf(EvictedError).with.property('message', `protocol:${PROTOCOL}: full, gave way to others who hold less`)
    expect(evictions(node)).to.deep.equal([{ kind: 'protocol', resource: 'stream', count: 1 }])
    expect(node.services.resourceManager.recentEvictions()).to.have.lengthOf(1)
    expect(node.services.resourceManager.recentEvictions()[0]).to.include({ resource: 'stream', scope: `protocol:${PROTOCOL}`, protocol: PROTOCOL, peer: hostile.dialer.peerId.toString() })
    expect(node.services.resourceManager.viewProtocol(PROTOCOL, scope => scope.stat().numStreamsInbound)).to.equal(3)
  })

  it('should reset the oldest negotiation of the peer that has most', async () => {
    const { node, address } = await listen({ limits: { transient: { streamsInbound: 3 } } })
    const inbox = await Inbox.of(node)
    const hostile = await connect(address)
    const streams: Stream[] = []

    for (let i = 0; i < 3; i++) {
      const stream = await muxerOf(hostile.connections[0]).createStream()

      // the length of what never comes
      stream.send(Uint8Array.of(19))
      streams.push(stream)
    }

    await eventuallyEqual(() => node.services.resourceManager.stat().transient.numStreamsInbound, 3, 'the streams')

    const honest = await connect(address)
    await honest.connections[0].newStream(PROTOCOL)
    await inbox.next()
    await eventually(() => streams[0].status !== 'open', 'the reset')
    expect(streams.slice(1).every(({ status }) => status === 'open')).to.equal(true)
  })

  it('should give the slot of a running handler away at once, for each network only so often', async () => {
    const limit = 20
    const { node, address } = await listen({ limits: { protocol: { [PROTOCOL]: { streamsInbound: limit } }, protocolPeerDefault: { streamsInbound: 'unlimited' } } })
    const running = Promise.withResolvers<void>()
    let handlers = 0

    await node.handle(PROTOCOL, async () => {
      handlers++
      await running.promise
    }, { maxInboundStreams: 1_000 })

    const hostile = await connect(address)

    for (let i = 0; i < limit; i++) {
      await hostile.connections[0].newStream(PROTOCOL, { maxOutboundStreams: 1_000 })
    }

    await eventually(() => handlers === limit, 'the handlers')

    // they all are of the same network, and 16 of the handlers that they cause may run on
    const others = await Promise.all(Array.from({ length: 6 }, async () => connect(address)))
    let served = 0

    for (let i = 0; i < 6; i++) {
      for (const { connections: [connection] } of others) {
        try {
          await connection.newStream(PROTOCOL, { maxOutboundStreams: 1_000, negotiateFully: true })
          served++
        } catch {
          // refused
        }
      }
    }

    await eventually(() => handlers === limit + 16, 'the handlers')
    expect(evictions(node)).to.deep.equal([{ kind: 'protocol', resource: 'stream', count: 16 }])
    expect(served).to.be.at.least(16)
    expect(node.services.resourceManager.viewProtocol(PROTOCOL, scope => scope.stat().numStreamsInbound)).to.equal(limit)
    // those of the streams that have given way take no slot
    expect(node.services.resourceManager.stat().handlers).to.deep.equal({ running: 0, overdue: 0 })

    running.resolve()
  })

  it('should count and keep everything in a dry run', async () => {
    const { node, address } = await listen({ enforce: false, limits: { system: { connsInbound: 2 } } })
    const first = await connect(address, 2)
    const second = await connect(address)

    await eventually(() => node.getConnections().length === 3, 'the connections')
    expect(open([...first.connections, ...second.connections])).to.equal(3)
    expect(evictions(node)).to.deep.equal([{ kind: 'system', resource: 'connection', count: 1 }])
  })

  it('should tell who traces', async () => {
    const events: object[] = []
    const { node, address } = await listen({
      limits: { system: { connsInbound: 2 } },
      trace: [{ consumeEvent: ({ full, name, type }) => { type === 'evict' && events.push({ full, name }) } }]
    })

    await connect(address, 2)
    await eventually(() => node.getConnections().length === 2, 'the connections')
    await connect(address)
    expect(events).to.deep.equal([{ full: 'system', name: 'conn-2' }])
  })

  it('should observe nothing any more when the node has stopped', async () => {
    const { node, address } = await listen({ limits: { system: { connsInbound: 2 } } })
    const { graph } = componentsOf(node).resourceManager?.metricsSource ?? (node.services.resourceManager as any).metricsSource

    await connect(address, 2)
    await eventually(() => node.getConnections().length === 2, 'the connections')
    await connect(address)
    expect(graph.placements).not.to.equal(undefined)
    expect(graph.roomMakers.length).to.be.greaterThan(0)

    const makers = graph.roomMakers.length

    await node.stop()
    expect(graph.placements).to.equal(undefined)
    expect(graph.roomMakers.length).to.equal(makers - 1)
    await node.start()
    expect(graph.roomMakers.length).to.equal(makers)
  })

  it('should refuse handshakes while there is no time for so many, and none before', async () => {
    // 33 in ten seconds, and below a quarter of that nobody is refused
    const { node, address } = await listen({ fairness: { handshakes: { cpu: 0.01 } }, limits: { peerDefault: { conns: 'unlimited', connsInbound: 'unlimited' } } })
    const dialer = await nodes.create({ manager: false })
    const explain = (): { fits: boolean } => node.services.resourceManager.explain({ resource: 'connection', direction: 'inbound' })

    for (let i = 0; i < 5; i++) {
      await dialer.dial(multiaddr(address), { force: true })
    }

    expect(explain()).to.include({ fits: true })
    expect(node.services.resourceManager.refusals()).to.be.empty()

    const refused = (): boolean => node.services.resourceManager.refusals().some(({ kind, resource, direction }) => kind === 'handshakes' && resource === 'rate' && direction === 'inbound')
    let before = explain()

    for (let round = 0; round < 20 && !refused(); round++) {
      const until = performance.now() + 150

      // keeps the event loop busy
      while (performance.now() < until) { /* that is what it is for */ }

      for (let i = 0; i < 10 && !refused(); i++) {
        before = explain()
        await dialer.dial(multiaddr(address), { force: true }).catch(() => {})
      }
    }

    expect(refused()).to.equal(true)
    // the budget may have shrunk in between
    expect(before.fits ? explain() : before).to.deep.include({ fits: false, setting: 'fairness.handshakes' })

    const unlimited = await listen({ fairness: { handshakes: false } })

    for (let i = 0; i < 5; i++) {
      await dialer.dial(multiaddr(unlimited.address), { force: true })
    }
  })

  it('should not fight with the connection manager', async () => {
    // the limits are below its watermark, at it, and above it
    for (const connsInbound of [3, 5, 8]) {
      const address = memoryAddress()
      const node = await nodes.create({
        addresses: { listen: [address] },
        connectionManager: { maxConnections: 5 },
        manager: { limits: { system: { connsInbound }, transient: { connsInbound } } }
      })
      const dialers = await Promise.all(Array.from({ length: 8 }, async () => nodes.create({ manager: false })))
      let closed = 0

      const knock = async (): Promise<void> => {
        for (const dialer of dialers) {
          if (dialer.getConnections().length === 0) {
            await dialer.dial(multiaddr(address)).catch(() => {})
          }
        }
      }

      // whoever is not connected tries again and again
      await knock()
      node.addEventListener('connection:close', () => { closed++ })

      for (let round = 0; round < 10; round++) {
        await knock()
      }

      expect(node.getConnections(), String(connsInbound)).to.have.lengthOf(Math.min(5, connsInbound))
      expect(closed, 'connections that were there').to.equal(0)
      expect(evictions(node)).to.deep.equal([])
      await nodes.stop()
    }
  })

  it('should not end a connection in the step in which this node opens a stream on it', async () => {
    // the muxer tells the remote of the stream in a microtask, and throws there if the connection has gone
    const { node, address } = await listen({})
    const { connections: [local], dialer } = await connect(address)
    const remote = await otherEnd(local, dialer, node)
    const { holder } = attachedToConnection(remote)?.scope as any

    await Inbox.of(dialer)

    const opening = remote.newStream(PROTOCOL)

    expect(holder.evict(new Error('by the test'), '')).to.equal(false)
    await opening
    expect(remote.status).to.equal('open')
    expect(holder.evict(new Error('by the test'), '')).to.equal(true)
    expect(remote.status).not.to.equal('open')
  })

  it('should let a stream be negotiated whose connection has ended for this node meanwhile', async () => {
    const { node, address } = await listen({ fairness: { useful: ['test.service'] }, services: { 'test.service': [PROTOCOL] } })
    const { connections: [local], dialer } = await connect(address)
    const remote = await otherEnd(local, dialer, node)
    const { holder } = attachedToConnection(remote)?.scope as any
    const muxer = muxerOf(remote)
    const createStream = muxer.createStream.bind(muxer)

    await Inbox.of(dialer)

    // it is a connection that served first
    await remote.newStream(PROTOCOL)
    expect(holder.useful).to.be.a('number')

    muxer.createStream = async (options) => {
      const stream = await createStream(options)

      holder.end()

      return stream
    }

    const stream = await remote.newStream(PROTOCOL)

    expect(attachedToConnection(remote)?.scope.holder).to.equal(undefined)
    expect(stream.status).to.equal('open')
  })

  it('should refuse options that cannot be used', async () => {
    const cases: Array<[any, string]> = [
      [{ networks: { ipv4: 33 } }, 'fairness.networks.ipv4: expected a whole number from 0 to 32, got 33'],
      [{ hosts: { ipv6: -1 } }, 'fairness.hosts.ipv6: expected a whole number from 0 to 128, got -1'],
      [{ subnets: { ipv4: 8 } }, 'fairness.subnets.ipv4: expected at least fairness.networks.ipv4, 16, got 8'],
      [{ networks: 16 }, 'fairness.networks: expected an object, got 16'],
      [{ protect: 1.5 }, 'fairness.protect: expected a whole number from 0 to 1024, got 1.5'],
      [{ useful: 'ping' }, 'fairness.useful: expected a list, got "ping"'],
      [{ useful: [''] }, 'fairness.useful[0]: expected the name of a service, got ""'],
      [{ handshakes: { cpu: 0 } }, 'fairness.handshakes.cpu: expected a number above 0, up to 1, got 0'],
      [{ handshakes: true }, 'fairness.handshakes: expected an object, got true'],
      [true, 'fairness: expected an object, got true']
    ]

    for (const [fairness, message] of cases) {
      expect(await rejection(nodes.create({ manager: { fairness } }))).to.include({ name: 'InvalidParametersError', message })
    }
  })
})
