import { expect } from 'aegir/chai'
import { admission } from '../../src/features/admission.ts'
import { refuseForPressure } from '../../src/libp2p/pressure/pressure.ts'
import { ManagerHost } from '../../src/manager/host.ts'
import { DefaultResourceManager } from '../../src/manager/resource-manager.ts'
import { atOnce } from '../../src/util/slices.ts'
import { errorOf, peerA } from '../scopes/fixtures.ts'
import type { Feature, FeatureHost } from '../../src/manager/feature.ts'
import type { FleetLink } from '../../src/manager/fleet-link.ts'

/**
 * In the place of one that there is
 */
function made (name: string, register: (host: FeatureHost) => void): any {
  return { name, register } satisfies Feature
}

describe('manager/host', () => {
  it('should have features register in one order, whatever order they are in', () => {
    const registered: string[] = []
    const feature = (name: string): any => made(name, () => { registered.push(name) })

    for (const names of [['sessions', 'inspection', 'tracing', 'metrics', 'admission'], ['metrics', 'admission', 'tracing', 'inspection', 'sessions']]) {
      registered.length = 0
      new ManagerHost({ features: Object.fromEntries(names.map(name => [name, feature(name)])) }).core.graph.idle.stop()
      expect(registered).to.deep.equal(['inspection', 'admission', 'tracing', 'sessions', 'metrics'])
    }
  })

  it('should start all parts at once, in their order, and stop them in the reverse order', async () => {
    const log: string[] = []
    const host = new ManagerHost()
    let release = (): void => {}

    host.parts.push(
      { start: async () => { log.push('start a'); await new Promise<void>(resolve => { release = resolve }); log.push('a started') }, stop: () => { log.push('stop a') } },
      { start: () => { log.push('start b') } },
      { stop: () => { log.push('stop c') } }
    )

    const started = host.start()

    expect(log).to.deep.equal(['start a', 'start b'])
    release()
    await started
    await host.stop()
    expect(log).to.deep.equal(['start a', 'start b', 'a started', 'stop c', 'stop a'])
  })

  it('should fail to start where a part does, and can be stopped then', async () => {
    const host = new ManagerHost()
    let stopped = 0

    host.parts.push({ start: async () => { throw new Error('no datastore') }, stop: () => { stopped++ } })

    await expect(host.start()).to.be.rejectedWith('no datastore')
    await host.stop()
    expect(stopped).to.equal(1)
  })

  for (const again of [false, true]) {
    it(`should not be in its fleet if it is stopped while it starts${again ? ', unless it is started again' : ''}`, async () => {
      const calls: string[] = []
      const releases: Array<() => void> = []
      const fleet: FleetLink = {
        metrics: [],
        start: async () => { calls.push('fleet start') },
        stop: async () => { calls.push('fleet stop') },
        view: () => { throw new Error('not asked') },
        stat: async () => { throw new Error('not asked') },
        holders: async () => []
      }
      const slow = made('sessions', host => {
        host.parts.push({ start: async () => new Promise<void>(resolve => { releases.push(resolve) }) })
      })
      const manager = new DefaultResourceManager({ fleet, features: { sessions: slow } })
      const starts = [manager.start()]

      await manager.stop()
      again && starts.push(manager.start())
      releases.forEach(release => { release() })
      await Promise.all(starts)
      expect(calls).to.deep.equal(again ? ['fleet stop', 'fleet start'] : ['fleet stop'])
      await manager.stop()
      expect(calls.at(-1)).to.equal('fleet stop')
    })
  }

  it('should have streams pass the rates of addresses, whoever has checks for streams before', () => {
    const asked: string[] = []
    const pass = (what: string) => (): undefined => { asked.push(what) }
    const before = made('bans', ({ core }) => {
      core.streamChecks.push({ find: pass('find stream'), take: pass('take stream') })
      core.protocolChecks.push({ find: pass('find protocol'), take: pass('take protocol') })
    })
    const manager = new DefaultResourceManager({ features: { admission, bans: before } })
    const open = (): void => { manager.openStream(peerA, 'inbound').done() }

    open()
    // twice: what is asked is asked once
    manager.setAdmission({ rateLimits: { streams: { peer: { rate: 0.001, burst: 2 } } } })
    manager.setAdmission({ rateLimits: { streams: { peer: { rate: 0.001, burst: 2 } } } })
    open()
    open()
    expect(errorOf(open)).to.have.property('name', 'RateLimitExceededError')
    expect(asked).to.deep.equal(Array.from({ length: 4 }, () => 'take stream'))
    manager.setAdmission({ rateLimits: {} })
    open()
    expect(manager.core.streamChecks).to.have.lengthOf(2)
    manager.core.graph.idle.stop()
    manager.core.admission?.stop()
  })

  it('should tell all observers what is refused, in their order', () => {
    const told: string[] = []
    const host = new ManagerHost({
      features: {
        metrics: made('metrics', ({ refusalObservers }) => { refusalObservers.push(({ resource }) => { told.push(`metrics ${resource}`) }) }),
        inspection: made('inspection', ({ refusalObservers }) => { refusalObservers.push(({ resource }) => { told.push(`inspection ${resource}`) }) })
      }
    })

    host.core.refuse(refuseForPressure('processMemory', 'stream', 2, 1))
    expect(told).to.deep.equal(['inspection memory', 'metrics memory'])
  })

  it('should tell who wants to know of limits when the manager is made, and when they change', () => {
    const told: unknown[] = []
    const host = new ManagerHost({
      features: { admission: made('admission', ({ limitObservers }) => { limitObservers.push(limits => { told.push(limits?.system.conns) }) }) },
      limits: { system: { conns: 5 } }
    })

    host.limits.change({ system: { conns: 6 } }, {}, work => { atOnce(work) })
    expect(told).to.deep.equal([5, 6])
  })

  it('should put together what parts have to say', () => {
    const host = new ManagerHost()

    expect(host.nodeStat()).to.deep.equal({})
    host.stats.push(() => ({ handlers: { running: 1, overdue: 2 } }), () => ({ transientHolders: [] }))
    expect(host.nodeStat()).to.deep.equal({ handlers: { running: 1, overdue: 2 }, transientHolders: [] })
  })

  it('should name the feature that a method needs until one fills it in', () => {
    const host = new ManagerHost()

    expect(errorOf(() => host.methods.inspection.usage()).message).to.equal("usage: expected features: { inspection } from libp2p-resource-manager/features (import { inspection } from 'libp2p-resource-manager/features')")
    host.methods.inspection = { ...host.methods.inspection, usage: () => [] }
    expect(host.methods.inspection.usage()).to.deep.equal([])
  })
})
