import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { createManager, NOTHING, peerA, PROTOCOL, recordingLogger, SERVICE } from '../scopes/fixtures.ts'
import { limitTable, operations } from '../scopes/operations.ts'
import { World } from '../scopes/world.ts'
import { compact, Recorder, tracedManager } from './fixtures.ts'
import { replay } from './replay.ts'
import type { ResourceManager, ScopeStat } from '../../src/index.ts'

const RUNS = 200

/**
 * What the shared scopes hold, by their name
 */
function statsOf (manager: ResourceManager): Record<string, ScopeStat> {
  const { system, transient, allowlistedSystem, allowlistedTransient, services, protocols, peers } = manager.stat()
  const prefixed = (prefix: string, stats: Record<string, ScopeStat>): Record<string, ScopeStat> => Object.fromEntries(
    Object.entries(stats).map(([name, stat]) => [`${prefix}:${name}`, stat])
  )

  return { system, transient, allowlistedSystem, allowlistedTransient, ...prefixed('service', services), ...prefixed('protocol', protocols), ...prefixed('peer', peers) }
}

describe('trace', () => {
  it('should give what all scopes hold when it is replayed from zero', async function () {
    this.timeout(120_000)

    await fc.assert(fc.asyncProperty(limitTable, operations, async (limits, operations) => {
      const recorder = new Recorder()
      const world = new World(limits, { trace: [recorder] })

      for (const operation of operations) {
        await world.perform(operation)
      }

      const replayed = replay(recorder.events)

      for (const [name, stat] of Object.entries(statsOf(world.manager))) {
        expect(replayed.get(name)).to.deep.equal(stat, name)
      }

      for (const { model, real } of world.pairs) {
        // what a span held is gone with its owner, which it is not told
        if (model.open && model.kind !== 'span') {
          expect(replayed.get(real.name)).to.deep.equal(real.stat(), real.name)
        }
      }

      await world.end()
      const left = replay(recorder.events)

      expect([...left.keys()].sort()).to.deep.equal(Object.keys(statsOf(world.manager)).sort())
      left.forEach((stat, name) => { expect(stat).to.deep.equal(NOTHING, name) })
    }), { numRuns: RUNS })
  })

  it('should tell what a stream is part of, from its begin to its end', () => {
    const { manager, events } = tracedManager()

    const begin = events.length
    const stream = manager.openStream(peerA, 'inbound')
    stream.setProtocol(PROTOCOL)
    stream.setService(SERVICE)
    stream.reserveMemory(64, 101)
    stream.done()

    const peer = { name: `peer:${peerA}`, scope: { class: 'peer', peer: peerA.toString() } }
    const protocol = { name: `protocol:${PROTOCOL}`, scope: { class: 'protocol', protocol: PROTOCOL } }
    const protocolPeer = { name: `protocol:${PROTOCOL}.peer:${peerA}`, scope: { class: 'protocol-peer', protocol: PROTOCOL, peer: peerA.toString() } }
    const service = { name: `service:${SERVICE}`, scope: { class: 'service', service: SERVICE } }
    const servicePeer = { name: `service:${SERVICE}.peer:${peerA}`, scope: { class: 'service-peer', service: SERVICE, peer: peerA.toString() } }
    const system = { name: 'system', scope: { class: 'system' } }
    const transient = { name: 'transient', scope: { class: 'transient' } }
    const itself = { name: 'stream-1', scope: { class: 'stream', stream: '1' } }
    const add = { type: 'add_stream', deltaIn: 1, streamsIn: 1 }
    const remove = { type: 'remove_stream', deltaIn: -1 }
    const reserve = { type: 'reserve_memory', priority: 101, delta: 64, memory: 64 }
    const release = { type: 'release_memory', delta: -64 }
    const constraints = [peer, protocolPeer, servicePeer, protocol, service, system]
    const of = 'stream-1'

    expect(events.slice(begin).map(compact)).to.deep.equal([
      { type: 'create_scope', ...peer },
      { type: 'create_scope', ...itself },
      ...[peer, transient, system].map(scope => ({ ...add, ...scope, of })),
      { ...add, ...itself },
      { type: 'create_scope', ...protocol },
      { type: 'create_scope', ...protocolPeer },
      ...[protocol, protocolPeer].map(scope => ({ ...add, ...scope, of })),
      { ...remove, ...transient, of },
      { type: 'create_scope', ...service },
      { type: 'create_scope', ...servicePeer },
      ...[service, servicePeer].map(scope => ({ ...add, ...scope, of })),
      { ...reserve, ...itself },
      ...constraints.map(scope => ({ ...reserve, ...scope, of })),
      ...constraints.flatMap(scope => [{ ...release, ...scope, of }, { ...remove, ...scope, of }]),
      { type: 'destroy_scope', ...itself }
    ])
  })

  it('should tell what a connection is part of, with its file descriptor', () => {
    const { manager, events } = tracedManager()

    const begin = events.length
    const connection = manager.openConnection('outbound', true)
    connection.setPeer(peerA)
    connection.done()

    expect(events.slice(begin).map(compact).map(({ type, name, delta, deltaOut, connsOut, fd }) => [type, name, delta, deltaOut, connsOut, fd])).to.deep.equal([
      ['create_scope', 'conn-1', undefined, undefined, undefined, undefined],
      ['add_conn', 'transient', 1, 1, 1, 1],
      ['add_conn', 'system', 1, 1, 1, 1],
      ['add_conn', 'conn-1', 1, 1, 1, 1],
      ['create_scope', `peer:${peerA}`, undefined, undefined, undefined, undefined],
      ['add_conn', `peer:${peerA}`, 1, 1, 1, 1],
      ['remove_conn', 'transient', -1, -1, undefined, undefined],
      ['remove_conn', `peer:${peerA}`, -1, -1, undefined, undefined],
      ['remove_conn', 'system', -1, -1, undefined, undefined],
      ['destroy_scope', 'conn-1', undefined, undefined, undefined, undefined]
    ])
  })

  it('should begin with the limits and the scopes that are always there', () => {
    const { manager, events } = tracedManager({ system: { memory: 100 } })

    expect(events.map(({ type, name }) => [type, name])).to.deep.equal([
      ['start', undefined],
      ['create_scope', 'system'],
      ['create_scope', 'transient'],
      ['create_scope', 'allowlistedSystem'],
      ['create_scope', 'allowlistedTransient']
    ])
    expect(events[0].limit).to.equal(manager.limits)
    expect(events[1].limit).to.have.property('memory', 100)
  })

  it('should tell spans and spans of spans by their numbers', () => {
    const { manager, events } = tracedManager()
    const span = manager.openService(SERVICE)
    const inner = span.beginSpan()

    inner.reserveMemory(1)
    manager.viewSystem(scope => scope.beginSpan()).reserveMemory(2)

    const scopes = events.filter(({ type }) => type === 'reserve_memory').map(({ name, scope }) => ({ name, scope }))

    expect(scopes).to.deep.equal([
      { name: `service:${SERVICE}.span-1.span-1`, scope: { class: 'service', service: SERVICE, span: '1.span-1' } },
      { name: `service:${SERVICE}.span-1`, scope: { class: 'service', service: SERVICE, span: '1' } },
      { name: `service:${SERVICE}`, scope: { class: 'service', service: SERVICE } },
      { name: 'system', scope: { class: 'system' } },
      { name: 'system.span-1', scope: { class: 'system', span: '1' } },
      { name: 'system', scope: { class: 'system' } }
    ])
  })

  it('should tell what was refused, and what is held where it was', () => {
    const { manager, events } = tracedManager({
      system: { streams: 1, conns: 0, memory: 10 }
    })

    manager.openStream(peerA, 'outbound')
    const begin = events.length

    expect(() => manager.openStream(peerA, 'inbound')).to.throw()
    expect(() => manager.openConnection('outbound', true, multiaddr('/ip4/192.0.2.1/tcp/4001'))).to.throw()
    expect(() => { manager.viewSystem(scope => { scope.reserveMemory(11, 203) }) }).to.throw()

    const system = { name: 'system', scope: { class: 'system' } }

    expect(events.slice(begin).map(compact)).to.deep.equal([
      { type: 'block_add_stream', ...system, of: 'stream-2', requester: { peer: String(peerA) }, deltaIn: 1, streamsOut: 1 },
      { type: 'block_add_conn', ...system, of: 'conn-1', requester: { address: '/ip4/192.0.2.1/tcp/4001' }, deltaOut: 1, delta: 1 },
      { type: 'block_reserve_memory', ...system, priority: 203, delta: 11 }
    ])
  })

  it('should tell what was refused by a rate, which is no scope', () => {
    const { manager, events } = tracedManager({}, { rateLimits: { streams: { peer: { rate: 1, burst: 1 } } } })

    manager.openStream(peerA, 'inbound')
    expect(() => manager.openStream(peerA, 'inbound')).to.throw()

    expect(compact(events[events.length - 1])).to.deep.equal({ type: 'block_add_stream', name: `peer:${peerA}`, scope: { class: 'rate' }, of: 'stream-2', requester: { peer: String(peerA) }, deltaIn: 1 })
  })

  it('should tell what would have been refused where limits are not enforced, and that it was let in', () => {
    const { manager, events } = tracedManager({ system: { streams: 0 } }, { enforce: false })

    manager.openStream(peerA, 'inbound')

    const types = events.map(({ type, name }) => `${type} ${name}`)

    expect(types).to.include('block_add_stream system')
    expect(types).to.include('add_stream system')
  })

  it('should tell that idle scopes were forgotten, the shares of a peer with it', () => {
    const { manager, events } = tracedManager()
    const stream = manager.openStream(peerA, 'inbound')

    stream.setProtocol(PROTOCOL)
    stream.done()
    const begin = events.length
    manager.gc()

    expect(events.slice(begin).map(({ type, name }) => `${type} ${name}`).sort()).to.deep.equal([
      `destroy_scope peer:${peerA}`,
      `destroy_scope protocol:${PROTOCOL}`,
      `destroy_scope protocol:${PROTOCOL}.peer:${peerA}`
    ])
  })

  it('should go on without a reporter that fails, and say so once', () => {
    const { logger, errors } = recordingLogger()
    const recorder = new Recorder()
    let calls = 0

    const manager = createManager({}, {
      logger,
      trace: [{
        consumeEvent () {
          if (++calls > 6) {
            throw new Error('disk full')
          }
        }
      }, recorder]
    })

    manager.openStream(peerA, 'inbound').done()

    expect(calls).to.equal(7)
    expect(errors).to.have.lengthOf(1)
    expect(errors[0]).to.include('trace reporter')
    expect(replay(recorder.events).get('system')).to.deep.equal(NOTHING)
    expect(manager.stat().system).to.deep.equal(NOTHING)
  })

  it('should not be kept up when the last reporter has failed', () => {
    let calls = 0
    const manager = createManager({}, {
      logger: recordingLogger().logger,
      trace: [{
        consumeEvent () {
          calls++
          throw new Error('not today')
        }
      }]
    })

    manager.openStream(peerA, 'inbound').done()

    expect(calls).to.equal(1)
    expect(manager.stat().system).to.deep.equal(NOTHING)
  })

  it('should survive a reporter that calls the manager', () => {
    const { logger } = recordingLogger()
    const manager: ResourceManager = createManager({}, {
      logger,
      trace: [{
        consumeEvent ({ name }) {
          if (name === 'stream-1') {
            manager.openStream(peerA, 'inbound')
          }
        }
      }]
    })

    const stream = manager.openStream(peerA, 'inbound')
    const { numStreamsInbound } = manager.stat().system
    stream.done()

    expect(manager.stat().system.numStreamsInbound).to.equal(numStreamsInbound)
  })

  it('should tell reporters that the manager stops, and wait for them', async () => {
    const stopped: string[] = []
    const { logger, errors } = recordingLogger()
    const manager = createManager({}, {
      logger,
      trace: [
        { consumeEvent () {}, async stop () { await Promise.resolve(); stopped.push('slow') } },
        { consumeEvent () {}, async stop () { throw new Error('disk full') } },
        { consumeEvent () {} }
      ]
    })

    await manager.stop()

    expect(stopped).to.deep.equal(['slow'])
    expect(errors).to.have.lengthOf(1)
  })

  it('should refuse what is not a list of reporters', () => {
    for (const trace of ['reporter', [{}], [null], { consumeEvent () {} }] as any[]) {
      expect(() => createManager({}, { trace })).to.throw().with.property('name', 'InvalidParametersError')
    }
  })
})
