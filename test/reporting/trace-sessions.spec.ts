import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { TransientHolders } from '../../src/libp2p/fairness/transient-holders.ts'
import { ProcessMemory } from '../../src/libp2p/pressure/process-memory.ts'
import { makeManager } from '../fixtures/default-manager.ts'
import { errorOf, fakePeer, peerA, PROTOCOL, recordingLogger, SERVICE } from '../scopes/fixtures.ts'
import { stopTime } from '../sessions/fixtures.ts'
import { compact, Recorder, tracedManager } from './fixtures.ts'
import type { ResourceManagerInit, TraceEvent } from '../../src/index.ts'
import type { DefaultResourceManager } from '../../src/manager/resource-manager.ts'
import type { SinonFakeTimers } from 'sinon'

const RUNS = 200

/**
 * What a collector knows of a session, as the scope of its events
 */
function session (collector: string, id: string): Record<string, unknown> {
  return { name: `collector:${collector}`, scope: { class: 'session', collector, session: id, reference: '/ref', location: 'here', peer: 'alice' } }
}

function sessionEvents (events: TraceEvent[]): Array<Record<string, unknown>> {
  return events.filter(({ type }) => type.endsWith('_session')).map(compact)
}

describe('trace of sessions', () => {
  let clock: SinonFakeTimers

  beforeEach(() => {
    clock = stopTime()
  })

  afterEach(() => {
    clock.restore()
  })

  it('should tell when a session begins, and when it ends how much it has transferred', () => {
    const { manager, events } = tracedManager()
    const collector = manager.sessions.register('abc')

    collector.register('a', '/ref', 'here', 'alice')
    collector.register('a', '/ref', 'elsewhere', 'bob')
    collector.ingress('a', 100)
    collector.egress('a', 7)
    collector.unregister('a')
    collector.unregister('a')

    expect(sessionEvents(events)).to.deep.equal([
      { type: 'add_session', ...session('abc', 'a') },
      { type: 'remove_session', ...session('abc', 'a'), deltaIn: 100, deltaOut: 7 }
    ])
  })

  it('should tell which sessions time out, the pending ones as well', async () => {
    const { manager, events } = tracedManager()
    const collector = manager.sessions.register('abc', { inactiveTimeout: 2_000, sessionTimeout: 5_000 })

    collector.register('pending', '/ref', 'here', 'alice')
    collector.registerAndActivate('active', '/ref', 'here', 'alice')
    await clock.tickAsync(4_000)
    expect(sessionEvents(events).slice(2)).to.deep.equal([{ type: 'remove_session', ...session('abc', 'pending') }])

    await clock.tickAsync(4_000)
    expect(sessionEvents(events).slice(3)).to.deep.equal([{ type: 'remove_session', ...session('abc', 'active') }])
  })

  it('should tell reporters the end of all sessions before it stops them', async () => {
    const removed: string[] = []
    const { manager } = tracedManager({}, {
      trace: [{
        consumeEvent ({ type, scope }) {
          type === 'remove_session' && removed.push(String(scope?.session))
        },
        stop () {
          removed.push('stopped')
        }
      }]
    })
    const collector = manager.sessions.register('abc')

    await manager.start()
    collector.register('a', '/ref', 'here', 'alice')
    collector.registerAndActivate('b', '/ref', 'here', 'alice')
    await manager.stop()

    expect(removed).to.deep.equal(['a', 'b', 'stopped'])
  })

  it('should give the sessions that there are when it is replayed, and no byte too many', () => {
    const operation = fc.record({
      type: fc.constantFrom('register', 'activate', 'ingress', 'unregister', 'wait'),
      id: fc.constantFrom('a', 'b', 'c'),
      bytes: fc.nat(1_000)
    })

    fc.assert(fc.property(fc.array(operation, { maxLength: 40 }), (operations) => {
      const { manager, events } = tracedManager()
      const collector = manager.sessions.register('abc', { sessionTimeout: 2_000 })
      let received = 0

      for (const { bytes, id, type } of operations) {
        switch (type) {
          case 'register':
            collector.register(id, '/ref', 'here', 'alice')
            break
          case 'activate':
            collector.activate(id)
            break
          case 'ingress':
            received += collector.isKnownSession(id) ? bytes : 0
            collector.ingress(id, bytes)
            break
          case 'unregister':
            collector.unregister(id)
            break
          default:
            clock.tick(bytes * 3)
        }
      }

      const open = new Set<unknown>()
      let transferred = 0

      for (const { type, scope, deltaIn } of events) {
        if (type === 'add_session') {
          expect(open.has(scope?.session)).to.equal(false)
          open.add(scope?.session)
        } else if (type === 'remove_session') {
          expect(open.delete(scope?.session)).to.equal(true)
          transferred += deltaIn
        }
      }

      expect([...open].sort()).to.deep.equal(['a', 'b', 'c'].filter(id => collector.isKnownSession(id)))
      expect(transferred + collector.active().reduce((sum, { rxBytes }) => sum + rxBytes, 0)).to.equal(received)
      expect(collector.summary().summary.totalRxBytes).to.equal(transferred)
    }), { numRuns: RUNS })
  })

  it('should not stop a collector when the reporter fails', () => {
    let failures = 0
    const { logger } = recordingLogger()
    const manager = makeManager({
      logger,
      trace: [{
        consumeEvent ({ type }) {
          if (type === 'add_session') {
            failures++
            throw new Error('not today')
          }
        }
      }]
    })
    const collector = manager.sessions.register('abc')

    collector.registerAndActivate('a', '/ref', 'here', 'alice')
    collector.registerAndActivate('b', '/ref', 'here', 'alice')
    collector.unregister('a')

    expect(failures).to.equal(1)
    expect(collector.sessions()).to.equal(1)
    expect(collector.summary().summary.totalSessions).to.equal(1)
  })
})

describe('trace of what refuses without being a scope', () => {
  function traced (init: ResourceManagerInit = {}): { manager: DefaultResourceManager, last(): Record<string, unknown> } {
    const recorder = new Recorder()
    const manager = makeManager({ trace: [recorder], rateLimits: false, ...init })

    return { manager, last: () => compact(recorder.events[recorder.events.length - 1]) }
  }

  it('should name the collector of a service', () => {
    const { manager, last } = traced({ sessions: { collectors: { [SERVICE]: { maxSessions: 1 } } } })

    manager.sessions.collector('testService')?.register('a', '/ref', 'here', 'alice')

    const stream = manager.openStream(peerA, 'inbound')
    stream.setProtocol(PROTOCOL)
    expect(errorOf(() => { stream.setService(SERVICE) })).to.have.property('name', 'StreamLimitExceededError')

    expect(last()).to.deep.equal({ type: 'block_add_stream', name: `collector:${SERVICE}`, scope: { class: 'collector' }, of: 'stream-1', joining: SERVICE, requester: { peer: String(peerA), protocol: PROTOCOL, service: SERVICE }, deltaIn: 1 })
  })

  it('should say what it was that the process refused', () => {
    const { manager, last } = traced()
    const memory = new ProcessMemory(manager.core, { max: 1 }, () => 2)

    manager.core.refuse(memory.find('stream'))
    expect(last()).to.deep.equal({ type: 'block_add_stream', name: 'process', scope: { class: 'process' }, deltaIn: 1 })
    manager.core.refuse(memory.find('connection'))
    expect(last()).to.deep.equal({ type: 'block_add_conn', name: 'process', scope: { class: 'process' }, deltaIn: 1 })
  })

  it('should name the remote that has its share of the transient scope', () => {
    const { manager, last } = traced({ limits: { transient: { streamsInbound: 1 } } })
    const transient = new TransientHolders(manager.core)
    const peer = fakePeer(1)

    transient.addStream(manager.openStream(peer, 'inbound') as any)

    const peerScope = manager.core.graph.peers.get(peer.toString())

    manager.core.refuse(transient.findStream(peerScope), { name: '', peerScope })

    expect(last()).to.deep.equal({ type: 'block_add_stream', name: `transient:${peer}`, scope: { class: 'transient' }, requester: { peer: String(peer) }, deltaIn: 1 })
  })
})
