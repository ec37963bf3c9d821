import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { createManager, errorOf, NOTHING, peerA, peerB, PROTOCOL, recordingLogger, refusalCounts, SERVICE, unlimitedBut } from '../scopes/fixtures.ts'
import { limitTable, operations, toConfig } from '../scopes/operations.ts'
import { World } from '../scopes/world.ts'
import type { PartialLimitConfig, ResourceManager, ScopeStat, Shadow } from '../../src/index.ts'
import type { Operation } from '../scopes/operations.ts'

// a second set of limits says what it would refuse, and changes nothing of what happens

const RUNS = 200

/**
 * A manager that refuses nothing, and the shadow of it
 */
function shadowOf (shadow: PartialLimitConfig): { manager: ResourceManager, shadow: Shadow } {
  const manager = createManager({}, { shadow })

  return { manager, shadow: manager.shadow as Shadow }
}

/**
 * What holds something, by its name
 */
function held (stats: object): Record<string, ScopeStat> {
  const entries = Object.entries(stats).flatMap(([key, value]) => 'memory' in value ? [[key, value]] : Object.entries(value).map(([name, stat]) => [`${key} ${name}`, stat]))

  return Object.fromEntries(entries.filter(([, stat]) => JSON.stringify(stat) !== JSON.stringify(NOTHING)))
}

function withoutChanges (operations: Operation[]): Operation[] {
  return operations.filter(({ type }) => type !== 'setLimit' && type !== 'setLimits')
}

describe('shadow limits', () => {
  describe('with random lives', () => {
    it('should change nothing of what is refused and held', async function () {
      this.timeout(240_000)

      await fc.assert(fc.asyncProperty(limitTable, limitTable, operations, async (limits, shadow, operations) => {
        const world = new World(limits, { shadow: unlimitedBut(toConfig(shadow)) })

        for (const operation of operations) {
          const outcome = await world.perform(operation)

          expect(outcome?.actual?.message).to.equal(outcome?.expected?.message)
        }

        await world.end()
        expect(held(world.manager.stat())).to.deep.equal({})
        // what the shadow would hold has gone as well, whatever it has refused
        expect(held((world.manager.shadow as Shadow).stat())).to.deep.equal({})
      }), { numRuns: RUNS })
    })

    it('should refuse and hold the same where they are the same, and let in nothing else', async function () {
      this.timeout(240_000)

      await fc.assert(fc.asyncProperty(limitTable, operations, async (limits, operations) => {
        const world = new World(limits, { shadow: {} })
        const shadow = world.manager.shadow as Shadow

        for (const operation of withoutChanges(operations)) {
          await world.perform(operation)
        }

        expect(refusalCounts(shadow)).to.deep.equal(refusalCounts(world.manager))
        expect(shadow.admitted).to.equal(0)
        expect(held(shadow.stat())).to.deep.equal(held(pick(world.manager)))
        await world.end()
      }), { numRuns: RUNS })
    })
  })

  it('should not be there without the option', () => {
    expect(createManager().shadow).to.equal(undefined)
  })

  it('should say what would be refused, by which scope, and the setting to change', () => {
    const { manager, shadow } = shadowOf({ peer: { [String(peerA)]: { streamsInbound: 1 } } })

    manager.openStream(peerA, 'inbound')
    expect(shadow.refusals()).to.deep.equal([])
    manager.openStream(peerA, 'inbound')
    manager.openStream(peerB, 'inbound')

    expect(manager.refusals()).to.deep.equal([])
    expect(shadow.refusals()).to.have.lengthOf(1)
    expect(shadow.refusals()[0]).to.include({ kind: 'peer', resource: 'stream', direction: 'inbound', count: 1, setting: `Peer.${peerA}.StreamsInbound` })
    expect(shadow.recentRefusals()).to.have.lengthOf(1)
    expect(shadow.recentRefusals()[0]).to.include({ scope: `peer:${peerA}`, peer: String(peerA), current: 1, limit: 1 })
  })

  it('should not count what it would have refused, nor what that does next', () => {
    const { manager, shadow } = shadowOf({ system: { streams: 1, memory: 100 } })
    const first = manager.openStream(peerA, 'inbound')
    const second = manager.openStream(peerB, 'inbound')

    second.setProtocol(PROTOCOL)
    second.setService(SERVICE)
    second.reserveMemory(1_000)
    using span = second.beginSpan()
    span.reserveMemory(1_000)

    expect(shadow.refusals().map(({ count }) => count)).to.deep.equal([1])
    expect(shadow.stat().system).to.deep.equal({ ...NOTHING, numStreamsInbound: 1 })
    expect(manager.stat().system).to.include({ numStreamsInbound: 2, memory: 2_000 })

    first.done()
    expect(shadow.stat().system).to.deep.equal(NOTHING)
    // it is still not there
    second.releaseMemory(1_000)
    second.done()
    manager.openStream(peerA, 'inbound')
    expect(shadow.refusals().map(({ count }) => count)).to.deep.equal([1])
  })

  it('should not count what a protocol, a service or a peer would have refused, nor streams of such a connection', () => {
    const { manager, shadow } = shadowOf({ protocol: { '/full': { streams: 0 } }, service: { full: { streams: 0 } }, peer: { [String(peerB)]: { conns: 0 } } })

    manager.openStream(peerA, 'inbound').setProtocol('/full')
    const stream = manager.openStream(peerA, 'inbound')
    stream.setProtocol(PROTOCOL)
    stream.setService('full')
    expect(shadow.stat().system).to.deep.equal(NOTHING)

    const connection = manager.openConnection('inbound', true)
    connection.setPeer(peerB)
    const onIt = manager.openStream(peerB, 'inbound', connection)
    const somewhere = manager.openStream(peerB, 'inbound')

    expect(shadow.stat().system).to.deep.equal(NOTHING)
    expect(shadow.refusals().map(({ kind }) => kind)).to.deep.equal(['protocol', 'service', 'peer'])

    onIt.done()
    somewhere.done()
    connection.done()
    // who is not connected may be a peer of somebody else's stack
    manager.openStream(peerB, 'inbound')
    expect(shadow.stat().system).to.deep.equal({ ...NOTHING, numStreamsInbound: 1 })
  })

  it('should take what is given back first for the memory that it would have refused', () => {
    const { manager, shadow } = shadowOf({ system: { memory: 100 } })
    const stream = manager.openStream(peerA, 'inbound')

    stream.reserveMemory(80)
    stream.reserveMemory(50)
    expect(shadow.stat().system.memory).to.equal(80)
    stream.releaseMemory(60)
    expect(shadow.stat().system.memory).to.equal(70)
    expect(manager.stat().system.memory).to.equal(70)
    stream.done()
    expect(shadow.stat().system.memory).to.equal(0)
  })

  it('should count what is refused and would not be, which then is not there either', () => {
    const manager = createManager({ system: { streams: 1, conns: 0, memory: 10 }, protocol: { [PROTOCOL]: { streams: 0 } } }, { shadow: { system: { streams: 5, conns: 5, memory: 100 }, protocol: { [PROTOCOL]: { streams: 5 } } } })
    const shadow = manager.shadow as Shadow
    const stream = manager.openStream(peerA, 'inbound')

    errorOf(() => manager.openStream(peerA, 'inbound'))
    errorOf(() => manager.openConnection('outbound', true))
    errorOf(() => { stream.reserveMemory(11) })
    errorOf(() => { stream.setProtocol(PROTOCOL) })

    expect(manager.refusals()).to.have.lengthOf(4)
    expect(shadow.admitted).to.equal(4)
    expect(shadow.refusals()).to.deep.equal([])
    expect(shadow.stat().system).to.deep.equal({ ...NOTHING, numStreamsInbound: 1 })
  })

  it('should have what it leaves out from the limits in force, also after these have changed', () => {
    const manager = createManager({ system: { streams: 7, conns: 7 } }, { shadow: { system: { streams: 3 } } })
    const shadow = manager.shadow as Shadow

    expect(shadow.limits.system).to.include({ streams: 3, conns: 7, fd: Infinity })
    manager.setLimits({ system: { streams: 9, conns: 9 } })
    expect(shadow.limits.system).to.include({ streams: 3, conns: 9 })
  })

  it('should take other limits at run time, and keep what it counts', () => {
    const { manager, shadow } = shadowOf({ system: { streams: 1 } })

    manager.openStream(peerA, 'inbound')
    shadow.setLimits({ system: { streams: 2 } })
    manager.openStream(peerA, 'inbound')
    expect(shadow.refusals()).to.deep.equal([])
    expect(shadow.usage().map(({ scope, used }) => [scope, used])).to.deep.equal([['system', 2]])
    expect(() => { shadow.setLimits({ system: { streams: -1 } }) }).to.throw('shadow: invalid limits: limits.system.streams').with.property('name', 'InvalidParametersError')
    expect(shadow.limits.system.streams).to.equal(2)
  })

  it('should refuse limits that cannot be used when the manager is made, naming them', () => {
    expect(() => createManager({}, { shadow: { system: { streams: 'many' as any } } })).to.throw('shadow: invalid limits: limits.system.streams').with.property('name', 'InvalidParametersError')
    expect(() => createManager({}, { shadow: { sistem: {} } as any })).to.throw('shadow').with.property('name', 'InvalidParametersError')
  })

  it('should be in the log apart from what is refused', async () => {
    const { errors, logger } = recordingLogger()
    const scopes: string[] = []
    const manager = createManager({ system: { streams: 2 } }, {
      shadow: { system: { streams: 1 } },
      logger: { forComponent: name => Object.assign(logger.forComponent(name), { newScope: (scope: string) => { scopes.push(scope); return logger.forComponent(name) } }) }
    })

    manager.openStream(peerA, 'inbound')
    manager.openStream(peerA, 'inbound')
    await manager.stop()

    expect(scopes).to.include('shadow')
    expect(errors).to.deep.equal(['system would have refused 1 stream in 10 s: 1 of 1 in use, see System.Streams'])
  })

  it('should not be changed by what becomes of the limits that were passed', () => {
    const given = { system: { streams: 7 } }
    const { manager, shadow } = shadowOf(given)

    given.system.streams = -1
    manager.setLimits({ system: { streams: 50 } })
    expect(shadow.limits.system.streams).to.equal(7)
  })
})

function pick (manager: ResourceManager): object {
  const { allowlistedSystem, allowlistedTransient, peers, protocols, services, system, transient } = manager.stat()

  return { allowlistedSystem, allowlistedTransient, peers, protocols, services, system, transient }
}
