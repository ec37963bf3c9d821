import { expect } from 'aegir/chai'
import { createCollector } from '../../src/sessions/default-collector.ts'
import { NullCollector } from '../../src/sessions/null-collector.ts'
import { SessionRegistry } from '../../src/sessions/registry.ts'
import { KEY, TestDatastore, stopTime } from './fixtures.ts'
import type { SinonFakeTimers } from 'sinon'

describe('sessions/registry', () => {
  let time: SinonFakeTimers

  beforeEach(() => {
    time = stopTime()
  })

  afterEach(() => {
    time.restore()
  })

  it('should have the collectors that were registered', async () => {
    const registry = new SessionRegistry()

    expect(registry.collectors()).to.deep.equal([])
    expect(registry.collector('a')).to.equal(undefined)

    const a = registry.register('a', { maxSessions: 1 })
    const b = registry.register('B2')

    expect(registry.collectors()).to.deep.equal(['a', 'B2'])
    expect(registry.collector('a')).to.equal(a)
    expect(registry.collector('B2')).to.equal(b)
    expect(registry.summary('a').maxSessions).to.equal(1)

    await registry.unregister('a')
    expect(registry.collectors()).to.deep.equal(['B2'])
    expect(registry.collector('a')).to.equal(undefined)

    registry.register('a')
    await registry.unregisterAll()
    expect(registry.collectors()).to.deep.equal([])
    await registry.unregisterAll()
  })

  it('should tell an observer of the sessions of all collectors', async () => {
    const seen: string[] = []
    const registry = new SessionRegistry({
      observer: {
        sessionAdded: (collector, { id }) => { seen.push(`+ ${collector} ${id}`) },
        sessionRemoved: (collector, { id, rxBytes, txBytes }) => { seen.push(`- ${collector} ${id} ${rxBytes} ${txBytes}`) }
      }
    })
    const a = registry.register('a')
    const b = registry.register('b')

    a.registerAndActivate('x', '/ref', 'here', 'alice')
    b.register('x', '/ref', 'here', 'alice')
    expect([a.sessions(), a.pendingSessions(), b.sessions(), b.pendingSessions()]).to.deep.equal([1, 0, 0, 1])

    a.ingress('x', 5)
    a.egress('x', 3)
    a.unregister('x')
    await registry.unregister('b')

    // it is stopped, so there is no session that could be told of
    b.register('y', '/ref', 'here', 'alice')

    expect(seen).to.deep.equal(['+ a x', '+ b x', '- a x 5 3', '- b x 0 0'])
  })

  it('should show what its collectors know', () => {
    const registry = new SessionRegistry()
    const collector = registry.register('a')

    collector.registerAndActivate('session', '/ref', 'here', 'alice')
    collector.ingress('session', 1_000)

    expect(registry.active('a').map(({ id, rxBitrate }) => [id, rxBitrate])).to.deep.equal([['session', 800]])
    expect(registry.summary('a')).to.include({ currentSessions: 1, currentRxBitrate: 800 })
  })

  it('should show nothing of a collector that is not registered', () => {
    const registry = new SessionRegistry()

    expect(registry.active('a')).to.deep.equal([])
    expect(registry.summary('a')).to.deep.equal(new NullCollector().summary())
    expect(JSON.parse(JSON.stringify(registry.summary('a')))).to.deep.equal({
      maxSessions: 0,
      maxRxBitrate: 0,
      maxTxBitrate: 0,
      currentSessions: 0,
      currentRxBitrate: 0,
      currentTxBitrate: 0,
      active: [],
      summary: {
        peers: {},
        locations: {},
        references: {},
        totalSessions: 0,
        totalRxBytes: 0,
        totalTxBytes: 0,
        evicted: { combinations: 0, peers: 0, locations: 0, references: 0 }
      }
    })
  })

  it('should have a collector that counts nothing for those who do not care', () => {
    const registry = new SessionRegistry()
    const collector = registry.register('a')
    const none = registry.collectorOrNull('b')

    expect(registry.collectorOrNull('a')).to.equal(collector)
    expect(none).to.be.an.instanceOf(NullCollector)
    none.registerAndActivate('session', '/ref', 'here', 'alice')
    expect(none.sessions()).to.equal(0)
    expect(registry.collector('b')).to.equal(undefined)
    expect(registry.collectors()).to.deep.equal(['a'])
  })

  it('should not be needed for a collector', () => {
    const collector = createCollector({ maxSessions: 1 })

    collector.registerAndActivate('session', '/ref', 'here', 'alice')
    collector.ingress('session', 100)
    expect(collector.isSessionsExceeded()).to.be.true()
    // it times out on its own, and its timer goes with it
    time.tick(10_000)
    expect(collector.summary().summary).to.include({ totalSessions: 1, totalRxBytes: 100 })
    expect(time.countTimers()).to.equal(0)
    expect(createCollector().maxSessions()).to.equal(0)
    expect(() => createCollector({ maxSession: 1 } as any)).to.throw('config.maxSession: unknown option (did you mean maxSessions?)')
    expect(() => createCollector({ sessionTimeout: 0 })).to.throw('config.sessionTimeout')
  })

  it('should refuse ids that are not letters and digits, or taken', async () => {
    const registry = new SessionRegistry()

    for (const id of ['', ' ', 'a-b', 'a.b', 'a/b', 'a\n', 'ä', '__proto__', undefined, null, 1, {}]) {
      expect(() => registry.register(id as any), String(id)).to.throw('id: expected letters and digits')
        .with.property('name', 'InvalidParametersError')
    }

    const collector = registry.register('a')

    expect(() => registry.register('a', { maxSessions: 5 })).to.throw('id: expected one that is not registered, got "a"')
      .with.property('name', 'InvalidParametersError')
    expect(registry.collector('a')).to.equal(collector)
    expect(registry.summary('a').maxSessions).to.equal(0)

    await expect(registry.unregister('b')).to.eventually.be.rejectedWith('id: expected a registered one, got "b"')
      .with.property('name', 'InvalidParametersError')
    await registry.unregister('a')
    await expect(registry.unregister('a')).to.eventually.be.rejected()
      .with.property('name', 'InvalidParametersError')
  })

  it('should not register a collector whose options cannot be used', () => {
    const registry = new SessionRegistry()

    expect(() => registry.register('a', { maxSessions: NaN })).to.throw('config.maxSessions: expected a whole number')
      .with.property('name', 'InvalidParametersError')
    expect(registry.collectors()).to.deep.equal([])
    registry.register('a')
  })

  it('should refuse a persistence without datastore or key', () => {
    const datastore = new TestDatastore()

    for (const [field, persistence] of [
      ['persistence', 'datastore'],
      ['persistence.datastore', { key: KEY }],
      ['persistence.key', { datastore }],
      ['persistence.key', { datastore, key: '/sessions' }]
    ] as const) {
      expect(() => new SessionRegistry({ persistence: persistence as any })).to.throw(`${field}: expected `)
        .with.property('name', 'InvalidParametersError')
    }
  })

  it('should stop a collector that is unregistered', async () => {
    const registry = new SessionRegistry()
    const collector = registry.register('a')

    collector.registerAndActivate('session', '/ref', 'here', 'alice')
    await registry.unregister('a')

    expect(collector.isKnownSession('session')).to.be.false()
    expect(collector.summary().summary.totalSessions).to.equal(1)
    collector.register('session', '/ref', 'here', 'alice')
    expect(collector.isKnownSession('session')).to.be.false()
    expect(time.countTimers()).to.equal(0)
  })

  it('should need one timer for all sessions of all collectors', async () => {
    const registry = new SessionRegistry()
    const collectors = ['a', 'b', 'c'].map(id => registry.register(id))

    await registry.start()
    expect(time.countTimers()).to.equal(0)

    for (const collector of collectors) {
      for (let i = 0; i < 100; i++) {
        collector.registerAndActivate(`${i}`, '/ref', 'here', 'alice')
      }
    }

    expect(time.countTimers()).to.equal(1)
    await registry.stop()
    expect(time.countTimers()).to.equal(0)
  })

  it('should use the clock that it is given', () => {
    let now = 0
    const registry = new SessionRegistry({ now: () => now })
    const collector = registry.register('a')

    collector.registerAndActivate('session', '/ref', 'here', 'alice')
    collector.ingress('session', 1_000)
    now = 9_999
    expect(collector.ingressBitrate()).to.equal(800)
    now = 10_000
    expect(collector.ingressBitrate()).to.equal(0)
  })

  it('should keep its collectors when it is stopped and started', async () => {
    const registry = new SessionRegistry()
    const collector = registry.register('a')

    await registry.start()
    collector.registerAndActivate('session', '/ref', 'here', 'alice')
    await registry.stop()
    await registry.stop()
    expect(registry.collector('a')).to.equal(collector)
    expect(collector.sessions()).to.equal(0)

    await registry.start()
    await registry.start()
    collector.registerAndActivate('session', '/ref', 'here', 'alice')
    expect(collector.sessions()).to.equal(1)
    time.tick(6_000)
    expect(collector.sessions()).to.equal(0)
    expect(registry.summary('a').summary.totalSessions).to.equal(2)
  })
})
