import { memory } from '@libp2p/memory'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { defaultFeatures as pageFeatures } from '../src/features/default-features.browser.ts'
import { defaultFeatures } from '../src/features/default-features.ts'
import * as exported from '../src/features.ts'
import { ConnectionLimitExceededError, createResourceManager, MemoryLimitExceededError, MissingFeatureError, NullResourceManager, SubnetLimitExceededError } from '../src/index.ts'
import { CapturedLogger } from './libp2p/fixtures/captured-logger.ts'
import { TestNodes } from './libp2p/fixtures/nodes.ts'
import { errorOf, peerA } from './scopes/fixtures.ts'
import type { Features, ResourceManager, ResourceManagerInit } from '../src/index.ts'

const ADDRESS = multiaddr('/ip4/192.0.2.1/tcp/4001')

/**
 * What is there only with a feature, and what asks for it
 */
const OPTIONS: Array<[keyof Features, ResourceManagerInit]> = [
  ['admission', { allowlist: [] }],
  ['admission', { subnetLimits: {} }],
  ['admission', { rateLimits: {} }],
  ['admission', { trustedNetworks: [] }],
  ['bans', { bans: {} }],
  ['presets', { maxMemory: '1GiB' }],
  ['presets', { maxConnections: 10 }],
  ['presets', { profile: 'browser' }],
  ['pressure', { processMemory: { max: '80%' } }],
  ['pressure', { eventLoopDelay: { max: 500 } }],
  ['sessions', { sessions: {} }],
  ['tracing', { trace: [] }],
  ['tracing', { metricsReporter: {} }],
  ['inspection', { warnings: true }]
]

const METHODS: Array<[keyof Features, string, (manager: ResourceManager) => unknown]> = [
  ['admission', 'allowlist', manager => manager.allowlist],
  ['admission', 'addPrefixLimit', manager => { manager.addPrefixLimit({ network: '10.0.0.0/8', connCount: 1 }) }],
  ['admission', 'removePrefixLimit', manager => manager.removePrefixLimit('10.0.0.0/8')],
  ['inspection', 'explain', manager => manager.explain({ resource: 'memory', size: 1 })],
  ['inspection', 'holders', manager => manager.holders()],
  ['inspection', 'recentRefusals', manager => manager.recentRefusals()],
  ['inspection', 'recentEvictions', manager => manager.recentEvictions()],
  ['inspection', 'highWaterMarks', manager => manager.highWaterMarks()],
  ['inspection', 'serviceState', manager => manager.serviceState('a')],
  ['inspection', 'systemState', manager => manager.systemState()],
  ['inspection', 'usage', manager => manager.usage()],
  ['sessions', 'sessions', manager => manager.sessions]
]

describe('features', () => {
  it('should all be there by default, and be what is exported', () => {
    expect(defaultFeatures).to.deep.equal({ ...exported })
    expect(createResourceManager().explain({ resource: 'memory', size: 1 }).fits).to.equal(true)
  })

  it('should not be there by default in pages, which only download what they ask for', () => {
    expect(pageFeatures).to.deep.equal({})
  })

  for (const [feature, init] of OPTIONS) {
    const [option] = Object.keys(init)

    it(`should be asked for with the option ${option}, which would have no effect without`, () => {
      const { [feature]: _, ...others } = defaultFeatures

      expect(() => createResourceManager({ ...init, features: others })).to.throw(`${option}: expected features: { ${feature} } from libp2p-resource-manager/features`)
        .with.property('name', 'InvalidParametersError')
      expect(() => createResourceManager({ ...init, features: { [feature]: defaultFeatures[feature] } })).to.not.throw()
    })
  }

  it('should be an object', () => {
    for (const features of [5, 'all', true, []]) {
      expect(() => createResourceManager({ features: features as any })).to.throw('features: expected an object').with.property('name', 'InvalidParametersError')
    }
  })

  it('should be what is exported, and be known', () => {
    const problems: Array<[unknown, string]> = [
      [null, "features: expected an object such as { inspection } (import { inspection } from 'libp2p-resource-manager/features'), got null"],
      [{ inspection: true }, "features.inspection: expected import { inspection } from 'libp2p-resource-manager/features', got true"],
      [{ inspection: { ...defaultFeatures.sessions } }, "features.inspection: expected import { inspection } from 'libp2p-resource-manager/features', got an object"],
      [{ presets: null }, "features.presets: expected import { presets } from 'libp2p-resource-manager/features', got null"],
      [{ inspect: defaultFeatures.inspection }, 'features.inspect: unknown feature (did you mean inspection?)']
    ]

    for (const [features, problem] of problems) {
      const error = errorOf(() => createResourceManager({ features: features as any }))

      expect(error.message).to.equal(problem)
      expect(error.name).to.equal('InvalidParametersError')
    }

    expect(() => createResourceManager({ features: { ...defaultFeatures, inspection: undefined } })).to.not.throw()
  })

  it('should be handed in in any order: sessions are traced by what registers before them', () => {
    const { sessions, tracing } = defaultFeatures

    for (const features of [{ sessions, tracing }, { tracing, sessions }]) {
      const types: string[] = []
      const manager = createResourceManager({ features, trace: [{ consumeEvent: ({ type }) => { types.push(type) } }] })

      manager.sessions.register('abc').registerAndActivate('a', '/ref', 'here', 'alice')
      expect(types).to.include('add_session')
    }
  })

  it('should not be asked for by options that turn something off or are left out', () => {
    expect(() => createResourceManager({ features: {}, rateLimits: false, maxMemory: undefined, sessions: undefined })).to.not.throw()
  })

  for (const [feature, name, use] of METHODS) {
    it(`should be asked for by ${name}`, () => {
      const { [feature]: _, ...others } = defaultFeatures
      const error = errorOf(() => use(createResourceManager({ features: others })))

      expect(error).to.be.an.instanceOf(MissingFeatureError).with.property('message').that.includes(`${name}: expected features: { ${feature} }`)
      expect(() => use(createResourceManager({ features: { [feature]: defaultFeatures[feature] } }))).to.not.throw()
    })
  }

  it('should be asked for by refusals, which metrics have as well', () => {
    const { inspection, metrics } = defaultFeatures

    expect(errorOf(() => createResourceManager({ features: {} }).refusals())).to.be.an.instanceOf(MissingFeatureError)
    expect(createResourceManager({ features: { inspection } }).refusals()).to.be.empty()
    expect(createResourceManager({ features: { metrics } }).refusals()).to.be.empty()
  })

  it('should be the same for a manager that is off', () => {
    const manager = createResourceManager({ enabled: false, features: {} })

    expect(manager).to.be.an.instanceOf(NullResourceManager)
    expect(errorOf(() => manager.sessions)).to.be.an.instanceOf(MissingFeatureError)
    expect(errorOf(() => manager.allowlist)).to.be.an.instanceOf(MissingFeatureError)

    const off = new NullResourceManager()
    expect(off.sessions).to.equal(off.sessions)
    expect(off.allowlist).to.equal(off.allowlist)
  })
})

describe('a manager without features', () => {
  it('should keep the limits of the scopes', async () => {
    const manager = createResourceManager({
      features: {},
      limits: { system: { connsInbound: 20 }, conn: { memory: 1024 }, peerDefault: { connsInbound: 20, conns: 20 } }
    })

    await manager.start()

    const connections = Array.from({ length: 20 }, () => manager.openConnection('inbound', false, ADDRESS))

    expect(errorOf(() => manager.openConnection('inbound', false, ADDRESS))).to.be.an.instanceOf(ConnectionLimitExceededError)
      .with.property('setting', 'System.ConnsInbound')
    expect(errorOf(() => { connections[0].reserveMemory(1025) })).to.be.an.instanceOf(MemoryLimitExceededError)

    connections.forEach(connection => { connection.setPeer(peerA) })
    manager.setLimits({ system: { connsInbound: 21 } })
    manager.openConnection('inbound', false, ADDRESS).done()

    connections.forEach(connection => { connection.done() })
    expect(manager.stat().system.numConnsInbound).to.equal(0)
    await manager.stop()
  })

  it('should decide nothing by address, as there is nobody to decide about in a page', () => {
    const open = (features: Features): void => {
      const manager = createResourceManager({ features, rateLimits: false })

      Array.from({ length: 9 }, () => manager.openConnection('outbound', false, ADDRESS))
    }

    expect(errorOf(() => { open(defaultFeatures) })).to.be.an.instanceOf(SubnetLimitExceededError)
    open({})
    expect(createResourceManager({ features: {} }).verifySourceAddress('192.0.2.1')).to.equal(false)
  })

  it('should be text without a table', () => {
    expect(String(createResourceManager({ features: {} }))).to.equal('resource manager')
  })
})

describe('a node without features', () => {
  const nodes = new TestNodes()

  afterEach(async () => {
    await nodes.stop()
  })

  it('should start, count and stop, with metrics of the node too', async () => {
    const logger = new CapturedLogger()
    const registered: string[] = []
    const metrics: any = new Proxy({}, {
      get: () => (name: unknown) => {
        registered.push(String(name))

        return { update: () => {} }
      }
    })
    const node = await nodes.create({
      logger,
      transports: [memory()],
      metrics: () => metrics,
      manager: { features: {}, baseCosts: {}, transientShare: 0.25 }
    })
    const manager = node.services.resourceManager

    expect(manager.stat().handlers).to.deep.equal({ running: 0, overdue: 0 })
    expect(manager.stat()).to.not.have.any.keys('processMemory', 'eventLoopDelay')
    await node.stop()
    await node.start()
    expect(logger.errors).to.be.empty()
    expect(registered).to.not.be.empty()
    expect(registered.filter(name => name.startsWith('libp2p_resource_manager'))).to.be.empty()
  })
})
