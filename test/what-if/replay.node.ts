import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { traceToJSON } from '../../src/reporting/trace-json.ts'
import { replayTrace } from '../../src/what-if/replay-trace.ts'
import { Recorder, tracedManager } from '../reporting/fixtures.ts'
import { errorOf, NOTHING, peerA, peerB, PROTOCOL, refusalCounts, SERVICE } from '../scopes/fixtures.ts'
import { limitTable, operations } from '../scopes/operations.ts'
import { World } from '../scopes/world.ts'
import { bytesOf, sumUp, withoutChanges } from './fixtures.ts'
import type { ScopeStat } from '../../src/index.ts'

// what a trace has recorded, with other limits

const RUNS = 150

function held (stats: object): Record<string, ScopeStat> {
  const entries = Object.entries(stats).flatMap(([key, value]) => 'memory' in value ? [[key, value]] : Object.entries(value).map(([name, stat]) => [`${key} ${name}`, stat]))

  return Object.fromEntries(entries.filter(([, stat]) => JSON.stringify(stat) !== JSON.stringify(NOTHING)))
}

describe('replay of a trace', () => {
  describe('with random lives', () => {
    it('should refuse exactly what was refused with the limits that it was recorded with, and end with what was open', async function () {
      this.timeout(240_000)

      await fc.assert(fc.asyncProperty(limitTable, operations, async (limits, operations) => {
        const recorder = new Recorder()
        const world = new World(limits, { trace: [recorder] })

        for (const operation of withoutChanges(operations)) {
          await world.perform(operation)
        }

        const { manager } = world
        const report = await replayTrace(bytesOf(recorder.events.map(traceToJSON).join('\n')))
        const { allowlistedSystem, allowlistedTransient, peers, protocols, services, system, transient } = manager.stat()

        expect(sumUp(report.refusals)).to.deep.equal(sumUp(refusalCounts(manager)))
        expect(report.refused).to.equal(report.recorded)
        expect(report.admitted).to.equal(0)
        expect(report.skipped).to.equal(0)
        expect(held(report.open)).to.deep.equal(held({ allowlistedSystem, allowlistedTransient, peers, protocols, services, system, transient }))
        await world.end()
      }), { numRuns: RUNS })
    })

    it('should refuse nothing without limits, and all that was let in fits', async function () {
      this.timeout(240_000)

      await fc.assert(fc.asyncProperty(limitTable, operations, async (limits, operations) => {
        const recorder = new Recorder()
        const world = new World(limits, { trace: [recorder] })

        for (const operation of operations) {
          await world.perform(operation)
        }

        const report = await replayTrace(bytesOf(recorder.events.map(traceToJSON).join('\n')), { limits: 'unlimited' })

        expect(report.refused).to.equal(0)
        expect(report.open.system).to.deep.equal(world.manager.stat().system)
        await world.end()
      }), { numRuns: RUNS })
    })
  })

  it('should say what would be refused, when, by which scope, with the setting, and how full everything was', async () => {
    const { manager, events } = tracedManager({ system: { streams: 10 } })

    for (let i = 0; i < 4; i++) {
      const stream = manager.openStream(i === 3 ? peerB : peerA, 'inbound')
      stream.setProtocol(PROTOCOL)
      stream.setService(SERVICE)
    }

    const report = await replayTrace(bytesOf(events.map(traceToJSON).join('\n')), { limits: { peer: { [String(peerA)]: { streamsInbound: 2 } }, service: { [SERVICE]: { streams: 2 } } } })

    expect(report).to.include({ exact: true, recorded: 0, admitted: 0, refused: 2, skipped: 0, events: events.length })
    expect(report.refusals.map(({ count, limit, scope, setting }) => ({ count, limit, scope, setting }))).to.deep.equal([
      { count: 1, limit: 2, scope: `peer:${peerA}`, setting: `Peer.${peerA}.StreamsInbound` },
      { count: 1, limit: 2, scope: `service:${SERVICE}`, setting: `Service["${SERVICE}"].Streams` }
    ])
    expect(report.refusals[0].first).to.be.within(report.begin, report.end)
    // what was left out is as it was recorded
    expect(report.limits.system.streams).to.equal(10)
    expect(report.usage.find(({ field, kind }) => kind === 'system' && field === 'streams')).to.include({ peak: 4, limit: 10, percent: 40 })
    expect(report.usage[0]).to.include({ scope: `service:${SERVICE}`, field: 'streams', peak: 4, limit: 2, percent: 200 })
    expect(report.usage.find(({ field, kind }) => kind === 'peer' && field === 'streamsInbound')).to.include({ scope: `peer:${peerA}`, peak: 3 })
    expect(report.open.system.numStreamsInbound).to.equal(2)
    expect(report.timeLine.reduce((sum, { refused }) => sum + refused, 0)).to.equal(2)
  })

  it('should count what was refused and would not be', async () => {
    const { manager, events } = tracedManager({ system: { streams: 1, conns: 0, memory: 10 }, protocol: { [PROTOCOL]: { streams: 0 } } })
    const stream = manager.openStream(peerA, 'inbound')

    errorOf(() => manager.openStream(peerA, 'inbound'))
    errorOf(() => manager.openConnection('outbound', true))
    errorOf(() => { stream.reserveMemory(11) })
    errorOf(() => { stream.setProtocol(PROTOCOL) })

    const report = await replayTrace(bytesOf(events.map(traceToJSON).join('\n')), { limits: { system: { streams: 5, conns: 5 } } })

    expect(report).to.include({ recorded: 4, admitted: 2, refused: 2 })
  })
})
