import { yamux } from '@chainsafe/libp2p-yamux'
import { InvalidParametersError } from '@libp2p/interface'
import { memory } from '@libp2p/memory'
import { expect } from 'aegir/chai'
import { createLibp2p } from 'libp2p'
import { createResourceManager, getConnectionScope, getStreamScope, NullResourceManager, resourceManager } from '../../src/index.ts'
import { recordWarnings } from '../reporting/fixtures.ts'
import { errorOf } from '../scopes/fixtures.ts'
import { CapturedLogger } from './fixtures/captured-logger.ts'
import { eventually, rejection } from './fixtures/eventually.ts'
import { Inbox, PROTOCOL } from './fixtures/inbox.ts'
import { componentsOf, eventuallyHeld, held, memoryAddress, otherEnd, TestNodes } from './fixtures/nodes.ts'
import { overMemory } from './fixtures/transports.ts'
import type { ResourceManagerInit } from '../../src/index.ts'
import type { ConnectionGater } from '@libp2p/interface'

describe('a node with a resource manager', () => {
  const nodes = new TestNodes()

  afterEach(async () => {
    await nodes.stop()
  })

  for (const [maxConnections, warnings] of [[11, 1], [10, 0]]) {
    it(`should warn ${warnings} times per start of ${maxConnections} connections where 10 are allowed`, async () => {
      const logger = new CapturedLogger()
      const node = await nodes.create({
        logger,
        connectionManager: { maxConnections },
        manager: { limits: { system: { conns: 10, connsInbound: 10, connsOutbound: 10 }, transient: { conns: 10, connsInbound: 10, connsOutbound: 10 } } }
      })
      const aboutConnections = (): number => logger.errors.filter(error => error.includes('maxConnections')).length

      expect(aboutConnections()).to.equal(warnings)
      await node.stop()
      await node.start()
      expect(aboutConnections()).to.equal(2 * warnings)
    })
  }

  it('should warn of nothing that nobody has set', async () => {
    const logger = new CapturedLogger()

    await nodes.create({ logger, connectionManager: { maxConnections: 10 }, manager: { limits: { system: { conns: 20, streams: 30, memory: '64MiB' } } } })
    expect(logger.errors).to.deep.equal([])
  })

  it('should warn once when a handler accepts more streams than a peer may have', async () => {
    const logger = new CapturedLogger()
    const node = await nodes.create({ logger, manager: { limits: { protocolPeer: { '/some/1.0.0': { streamsInbound: 10 } } } } })

    await node.handle('/some/1.0.0', () => {}, { maxInboundStreams: 11 })
    await node.handle('/other/1.0.0', () => {}, { maxInboundStreams: 11 })
    await node.handle('/third/1.0.0', () => {})
    expect(logger.errors).to.have.lengthOf(1)
    expect(logger.errors[0]).to.include('the handler of /some/1.0.0 accepts 11 inbound streams').and.to.include('protocolPeer: { "/some/1.0.0":')
  })

  it('should let one peer have as many streams as a handler accepts, with default limits and ones that are changed later', async () => {
    const COUNT = 600
    const logger = new CapturedLogger()
    const { dialer, listener, address } = await overMemory().connect(nodes, { dialer: { manager: false }, listener: { logger } })
    const { resourceManager } = listener.services
    const inbox = await Inbox.of(listener, PROTOCOL, { maxInboundStreams: COUNT })
    const connection = await dialer.dial(address)

    resourceManager.setLimits({ system: { fd: 100 } })
    expect(resourceManager.limits?.system.fd).to.equal(100)
    await listener.handle('/other/1.0.0', () => {}, { maxInboundStreams: COUNT + 100 })
    expect(resourceManager.limits?.system.fd).to.equal(100)
    expect(resourceManager.limits?.protocolPeer[PROTOCOL].streamsInbound).to.equal(COUNT)

    for (let i = 0; i < COUNT; i++) {
      await connection.newStream(PROTOCOL, { maxOutboundStreams: COUNT })
      await inbox.next()
    }

    expect(held(listener)[PROTOCOL]).to.deep.equal({ numStreamsInbound: COUNT })
    expect(resourceManager.refusals()).to.deep.equal([])
    expect(logger.errors).to.deep.equal([])
  })

  it('should log no error in an ordinary life, refusals included', async () => {
    const logger = new CapturedLogger()
    const { dialer, listener, address } = await overMemory().connect(nodes, {
      listener: { logger, manager: { limits: { peerDefault: { streamsInbound: 1, connsInbound: 1 } } }, connectionManager: { maxConnections: 10 } }
    })
    const inbox = await Inbox.of(listener)
    const local = await dialer.dial(address)
    await local.newStream(PROTOCOL)
    await inbox.next()
    await local.newStream(PROTOCOL).catch(() => {})
    await dialer.dial(address, { force: true }).catch(() => {})
    await eventually(() => listener.services.resourceManager.refusals().length === 2, 'two kinds of refusals')

    expect(logger.errors).to.be.empty()
  })

  it('should release what the connection manager closes because there are too many', async () => {
    const pruning = await nodes.create({ connectionManager: { maxConnections: 1 } })
    const first = await nodes.create({ addresses: { listen: [memoryAddress()] } })
    const second = await nodes.create({ addresses: { listen: [memoryAddress()] } })

    await pruning.dial(first.getMultiaddrs())
    // it may be the new one that is closed
    await pruning.dial(second.getMultiaddrs()).catch(() => {})

    await eventually(() => held(pruning).system?.numConnsOutbound === 1, 'the end of one connection')
    await eventually(() => [first, second].filter(node => held(node).system == null).length === 1, 'the end of it at the other node')
    expect(pruning.getConnections()).to.have.lengthOf(1)
  })

  it('should hold nothing of a connection that the connection manager does not accept', async () => {
    const { dialer, listener, address } = await overMemory().connect(nodes, { listener: { connectionManager: { maxIncomingPendingConnections: 0 } } })

    await rejection(dialer.dial(address))
    await eventuallyHeld(dialer, {})
    await eventuallyHeld(listener, {})
  })

  it('should not get a second resource manager', async () => {
    const error = await rejection(nodes.create({ services: { another: resourceManager() } }))

    expect(error).to.be.instanceOf(InvalidParametersError)
    expect(error.message).to.include('second')
  })

  it('should change nothing of a node for which an option cannot be used, and can be made for it afterwards', async () => {
    const node = await nodes.create({ manager: false })
    const components = (node as any).components
    const { dial, listen } = components.transportManager
    const { connectionGater, events } = components
    const listeners = events.listenerCount('peer:update')
    const { openConnection } = components.connectionManager
    const wrong: Array<[ResourceManagerInit, string]> = [
      [{ bans: { strikes: 0 } }, 'bans.strikes'],
      [{ fairness: { protect: -1 } }, 'fairness.protect'],
      [{ processMemory: { max: -1 } }, 'processMemory.max'],
      [{ transientShare: 2 }, 'transientShare'],
      [{ handlerGrace: -1 }, 'handlerGrace'],
      [{ baseCosts: { stream: -1 } }, 'baseCosts.stream'],
      [{ sessions: { collectors: { a: { sessionTimeout: 0 } } } }, 'sessionTimeout']
    ]

    for (const [init, option] of wrong) {
      expect(errorOf(() => resourceManager(init)(components))).to.be.instanceOf(InvalidParametersError).with.property('message').that.includes(option)
    }

    expect(components.transportManager).to.include({ dial, listen })
    expect(components.connectionGater).to.equal(connectionGater)
    expect(components.connectionManager.openConnection).to.equal(openConnection)
    expect(Object.hasOwn(components.upgrader, 'upgradeInbound')).to.equal(false)

    // neither for what others throw
    const metrics = { registerMetricGroup: () => { throw new Error('by the test') } }
    const withMetrics = new Proxy(components, { get: (target, name) => name === 'metrics' ? metrics : target[name] })

    expect(errorOf(() => resourceManager()(withMetrics))).to.have.property('message', 'by the test')
    expect(components.upgrader).not.to.have.own.property('upgradeInbound')
    expect(events.listenerCount('peer:update')).to.equal(listeners)

    resourceManager()(components)
    expect(Object.hasOwn(components.upgrader, 'upgradeInbound')).to.equal(true)
  })

  it('should share a muxer factory with nodes that have none', async () => {
    const muxer = yamux()()
    const streamMuxers = [() => muxer]
    const { dialer, listener, address } = await overMemory().connect(nodes, {
      dialer: { streamMuxers },
      listener: { streamMuxers, manager: false }
    })
    await Inbox.of(listener)

    const local = await dialer.dial(address)
    const stream = await local.newStream(PROTOCOL)
    expect(getStreamScope(stream).stat()).to.include({ numStreamsOutbound: 1 })
    expect(componentsOf(listener).upgrader.getStreamMuxers().get(muxer.protocol)).to.equal(muxer)
  })
})

describe('a resource manager that is not enabled', () => {
  const nodes = new TestNodes()

  afterEach(async () => {
    await nodes.stop()
  })

  for (const enabled of [true, false]) {
    it(`should ${enabled ? 'wrap' : 'leave alone'} the parts of the node when enabled is ${enabled}`, async () => {
      const connectionGater: ConnectionGater = {}
      const muxer = yamux()()
      const node = await nodes.create({ transports: [memory()], connectionGater, streamMuxers: [() => muxer], manager: { enabled } })
      const { transportManager, upgrader, registrar, connectionGater: used } = componentsOf(node)

      expect({
        dial: Object.hasOwn(transportManager, 'dial'),
        upgradeInbound: Object.hasOwn(upgrader, 'upgradeInbound'),
        upgradeOutbound: Object.hasOwn(upgrader, 'upgradeOutbound'),
        getMiddleware: Object.hasOwn(registrar, 'getMiddleware'),
        gater: Object.hasOwn(used, 'denyInboundConnection') || used.denyInboundConnection != null,
        muxer: upgrader.getStreamMuxers().get(muxer.protocol) !== muxer
      }).to.deep.equal({
        dial: enabled,
        upgradeInbound: enabled,
        upgradeOutbound: enabled,
        getMiddleware: enabled,
        gater: enabled,
        muxer: enabled
      })
    })
  }

  it('should count nothing, and give scopes that accept everything', async () => {
    const manager = { enabled: false, limits: { system: { conns: 0, streams: 0 } } }
    const { dialer, listener, address } = await overMemory().connect(nodes, { dialer: { manager }, listener: { manager } })
    const inbox = await Inbox.of(listener)
    const local = await dialer.dial(address)
    await otherEnd(local, dialer, listener)
    const stream = await local.newStream(PROTOCOL)
    const remote = await inbox.next()

    expect(dialer.services.resourceManager).to.be.instanceOf(NullResourceManager)
    expect(held(dialer)).to.deep.equal({})
    expect(held(listener)).to.deep.equal({})

    for (const scope of [getStreamScope(stream), getStreamScope(remote), getConnectionScope(local), dialer.services.resourceManager.getStreamScope(stream)]) {
      scope.reserveMemory(Number.MAX_SAFE_INTEGER)
      scope.setService('anything')
      expect(scope.stat().memory).to.equal(0)
    }
  })

  it('should be missed where a manager that is not wired is passed', async () => {
    const recorded = recordWarnings()

    try {
      const start = async (create: () => any): Promise<void> => {
        await (await createLibp2p({ transports: [memory()], services: { resourceManager: create } })).stop()
      }

      await start(() => createResourceManager())
      expect(recorded.warnings.map(({ message }) => message)).to.deep.equal([
        'this resource manager counts nothing of its node: pass resourceManager() as the service, not createResourceManager()'
      ])

      recorded.warnings.length = 0
      await start(() => createResourceManager({ warnings: false }))
      await start(() => createResourceManager({ enabled: false }))
      await start(resourceManager() as any)

      // one that no node starts
      const manager = createResourceManager()

      await manager.start()
      await manager.stop()
      expect(recorded.warnings).to.deep.equal([])
    } finally {
      recorded.restore()
    }
  })

  it('should only be one that does not refuse when limits are not enforced', async () => {
    const { dialer, listener, address } = await overMemory().connect(nodes, {
      dialer: { manager: { enforce: false, limits: { system: { conns: 0, streams: 0 } } } }
    })
    const inbox = await Inbox.of(listener)
    await (await dialer.dial(address)).newStream(PROTOCOL)
    await inbox.next()

    expect(held(dialer).system).to.deep.equal({ numConnsOutbound: 1, numStreamsOutbound: 1 })
    expect(dialer.services.resourceManager.refusals()).to.not.be.empty()
  })
})
