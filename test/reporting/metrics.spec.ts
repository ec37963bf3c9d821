import { expect } from 'aegir/chai'
import { refuseForPressure } from '../../src/libp2p/pressure/pressure.ts'
import { GAUGES } from '../../src/reporting/metric-families.ts'
import { makeManager } from '../fixtures/default-manager.ts'
import { errorOf, peerA, PROTOCOL, refusalCounts, SERVICE } from '../scopes/fixtures.ts'
import { stopTime } from '../sessions/fixtures.ts'
import type { ResourceManagerInit } from '../../src/index.ts'
import type { NodeStat } from '../../src/manager/resource-manager-stat.ts'
import type { DefaultResourceManager } from '../../src/manager/resource-manager.ts'
import type { Sample } from '../../src/reporting/metric-family.ts'

/**
 * The samples of one family, each as its label values and its value
 */
function read (manager: DefaultResourceManager, name: string, nodeStat: NodeStat = {}): Array<Array<string | number>> {
  const samples = GAUGES.find(family => family.name === name)?.read({ ...manager.metricsSource, nodeStat: () => nodeStat }) as Sample[]

  return samples.map(({ labels, value }) => [...Object.values(labels), value])
}

function managerWith (init: ResourceManagerInit = {}): DefaultResourceManager {
  return makeManager(init)
}

describe('metrics of the process', () => {
  const PRESSURE: NodeStat = {
    processMemory: { resident: 300, max: 200, resume: 100, refusing: true },
    eventLoopDelay: { delay: 50, max: 200, resume: 100, refusing: false },
    handlers: { running: 2, overdue: 7 },
    transientHolders: [
      { scope: 'conn-1', direction: 'inbound', remote: '/ip4/1.2.3.4', age: 2_500 },
      { scope: 'conn-2', direction: 'inbound', remote: '/ip4/1.2.3.4', age: 10 }
    ]
  }

  it('should say how the process is, in bytes and seconds', () => {
    const manager = managerWith()

    expect(read(manager, 'process_memory', PRESSURE)).to.deep.equal([['resident', 300], ['max', 200], ['resume', 100]])
    expect(read(manager, 'event_loop_delay', PRESSURE)).to.deep.equal([['delay', 0.05], ['max', 0.2], ['resume', 0.1]])
    expect(read(manager, 'process_refusing', PRESSURE)).to.deep.equal([['memory', 1], ['event_loop_delay', 0]])
    expect(read(manager, 'handlers_after_close', PRESSURE)).to.deep.equal([['running', 2]])
    expect(read(manager, 'handlers_overdue', PRESSURE)).to.deep.equal([[7]])
    expect(read(manager, 'oldest_age', PRESSURE)).to.deep.equal([['transient', 2.5]])
  })

  it('should count what the process has refused by what it was', () => {
    const manager = managerWith()

    manager.core.refuse(refuseForPressure('processMemory', 'stream', 2, 1))
    manager.core.refuse(refuseForPressure('processMemory', 'connection', 2, 1))
    manager.core.refuse(refuseForPressure('processMemory', 'connection', 2, 1))

    expect(read(manager, 'blocked_resources').filter(([,,, value]) => value !== 0)).to.have.deep.members([['inbound', 'process', 'stream', 1], ['inbound', 'process', 'connection', 2]])
    expect(refusalCounts(manager)).to.deep.equal([{ kind: 'process', resource: 'memory', direction: 'inbound', count: 3 }])
  })

  it('should have no number for what is not observed', () => {
    const manager = managerWith()

    for (const family of ['process_memory', 'event_loop_delay', 'process_refusing', 'handlers_after_close', 'handlers_overdue', 'oldest_age']) {
      expect(read(manager, family), family).to.deep.equal([])
    }

    expect(read(manager, 'oldest_age', { transientHolders: [] })).to.deep.equal([['transient', 0]])
  })
})

describe('metrics of sessions', () => {
  it('should say what each collector has, and its limits', () => {
    const clock = stopTime()

    try {
      const manager = managerWith()
      const abc = manager.sessions.register('abc', { maxSessions: 5, maxTxBitrate: 8_000 })

      manager.sessions.register('unlimited')
      abc.register('a', '/ref', 'here', 'alice')
      abc.registerAndActivate('b', '/ref', 'here', 'alice')
      abc.ingress('b', 1_000)
      abc.egress('b', 250)
      clock.tick(10_000)

      expect(read(manager, 'sessions')).to.deep.equal([['abc', 'active', 0], ['abc', 'pending', 0], ['unlimited', 'active', 0], ['unlimited', 'pending', 0]])

      abc.register('a', '/ref', 'here', 'alice')
      abc.registerAndActivate('b', '/ref', 'here', 'alice')
      abc.ingress('b', 1_000)
      abc.egress('b', 250)

      expect(read(manager, 'sessions').slice(0, 2)).to.deep.equal([['abc', 'active', 1], ['abc', 'pending', 1]])
      expect(read(manager, 'sessions_limit')).to.deep.equal([['abc', 5], ['unlimited', Infinity]])
      expect(read(manager, 'session_bitrate').slice(0, 2)).to.deep.equal([['abc', 'ingress', 800], ['abc', 'egress', 200]])
      expect(read(manager, 'session_top_bitrate').slice(0, 2)).to.deep.equal([['abc', 'ingress', 800], ['abc', 'egress', 200]])
      expect(read(manager, 'session_bitrate_limit')).to.deep.equal([['abc', 'ingress', Infinity], ['abc', 'egress', 8_000], ['unlimited', 'ingress', Infinity], ['unlimited', 'egress', Infinity]])

      clock.tick(2_000)
      expect(read(manager, 'session_bitrate').slice(0, 1)).to.deep.equal([['abc', 'ingress', 800]])
    } finally {
      clock.restore()
    }
  })

  it('should have nothing of a collector that was unregistered', async () => {
    const manager = managerWith()

    manager.sessions.register('abc')
    await manager.sessions.unregister('abc')

    expect(read(manager, 'sessions')).to.deep.equal([])
  })

  it('should count refusals by collector and limit, those that are possible from 0', () => {
    const manager = managerWith({
      rateLimits: false,
      sessions: {
        collectors: {
          [SERVICE]: { maxSessions: 1, maxRxBitrate: 8 },
          other: { maxSessions: 1 },
          slowed: { maxRxBitrate: 8, maxTxBitrate: 8, throttle: true },
          unlimited: {}
        }
      }
    })
    const collector = manager.sessions.collector('testService')
    const open = (service: string): void => {
      const stream = manager.openStream(peerA, 'inbound')

      stream.setProtocol(PROTOCOL)
      stream.setService(service)
    }

    collector?.register('a', '/ref', 'here', 'alice')
    errorOf(() => { open(SERVICE) })
    errorOf(() => { open(SERVICE) })
    collector?.ingress('a', 1_000_000)
    collector?.unregister('a')
    errorOf(() => { open(SERVICE) })
    open('other')

    expect(read(manager, 'session_refusals')).to.deep.equal([
      ['testService', 'inbound', 'sessions', 2],
      ['testService', 'outbound', 'sessions', 0],
      ['testService', 'inbound', 'ingress_bitrate', 1],
      ['testService', 'outbound', 'ingress_bitrate', 0],
      ['other', 'inbound', 'sessions', 0],
      ['other', 'outbound', 'sessions', 0]
    ])
    expect(read(manager, 'blocked_resources').filter(([,,, value]) => value !== 0)).to.have.deep.members([
      ['inbound', 'collector', 'stream', 2],
      ['inbound', 'collector', 'rate', 1]
    ])
  })
})
