import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { LIMIT_FIELDS } from '../../src/limits/limit.ts'
import { NOTHING } from './fixtures.ts'
import { toStat } from './model-rules.ts'
import { limitTable, operations } from './operations.ts'
import { World } from './world.ts'
import type { Failure, Scope } from './model-rules.ts'
import type { ResourceManagerStat, ScopeStat } from '../../src/index.ts'
import type { Limit } from '../../src/limits/limit.ts'
import type { AggregateScope } from '../../src/scopes/aggregate-scope.ts'
import type { DefaultStreamScope } from '../../src/scopes/stream-scope.ts'

const RUNS = 500

const FAILURE_FIELDS = ['name', 'message', 'scope', 'resource', 'direction', 'current', 'attempted', 'limit', 'priority'] as const
const STAT_FIELDS = Object.keys(NOTHING) as Array<keyof ScopeStat>

function fieldsOf (failure?: Failure): unknown[] | undefined {
  return failure == null ? undefined : FAILURE_FIELDS.map(field => failure[field])
}

/**
 * The statistics of all shared scopes that are constrained by the system
 */
function shared (stat: ResourceManagerStat): Map<string, ScopeStat> {
  const { system, transient, services, protocols, peers } = stat

  return new Map([
    ['system', system],
    ['transient', transient],
    ...Object.entries(services).map(([name, stat]) => [`service:${name}`, stat] as const),
    ...Object.entries(protocols).map(([name, stat]) => [`protocol:${name}`, stat] as const),
    ...Object.entries(peers).map(([name, stat]) => [`peer:${name}`, stat] as const)
  ])
}

/**
 * The shares that the peers of streams and connections have of protocols and
 * services. Nobody is shown them, but they refuse what does not fit.
 */
function shares (world: World): AggregateScope[] {
  return world.pairs.flatMap(({ real }) => {
    const { closed, protocolPeer, servicePeer } = real as DefaultStreamScope

    return closed ? [] : [protocolPeer, servicePeer].filter(share => share != null)
  })
}

/**
 * All that can be seen of the manager
 */
function actualState (world: World): unknown {
  const { manager, pairs } = world

  return {
    stat: manager.stat(),
    services: manager.listServices(),
    protocols: manager.listProtocols(),
    peers: manager.listPeers().map(peer => peer.toString()),
    opened: pairs.map(({ real }) => ({ name: real.name, limit: real.limit, stat: real.stat() })),
    shares: shares(world).map(share => ({ name: share.name, stat: share.stat() }))
  }
}

function expectedState (world: World): unknown {
  const { model, pairs } = world

  return {
    stat: model.stat(),
    services: model.list('service'),
    protocols: model.list('protocol'),
    peers: model.list('peer'),
    opened: pairs.map(({ model: holder }) => ({ name: holder.name, limit: model.limit(holder), stat: toStat(model.usage(holder)) })),
    shares: shares(world).map(({ name }) => ({ name, stat: toStat(model.usage(name)) }))
  }
}

/**
 * Where something holds less than nothing, or more than a scope above it
 */
function childrenAboveParents ({ manager, model, pairs }: World): string[] {
  const stats = shared(manager.stat())
  const statOf = (scope: Scope): ScopeStat | undefined => typeof scope === 'string'
    ? stats.get(scope)
    : pairs.find(pair => pair.model === scope && scope.open)?.real.stat()
  const nested = [
    ...Array.from(stats.values(), stat => [stat, stats.get('system')]),
    ...pairs.filter(({ model }) => model.open).flatMap(pair => model.above(pair.model).map(scope => [pair.real.stat(), statOf(scope)]))
  ]

  return nested.flatMap(([inner, outer]) => STAT_FIELDS
    .filter(field => inner != null && outer != null && (inner[field] < 0 || inner[field] > outer[field]))
    .map(field => `${field}: ${inner?.[field]} in ${outer?.[field]}`))
}

/**
 * What a limit counts, by the field of the limit
 */
function counts (stat: ScopeStat): Record<keyof Limit, number> {
  return {
    memory: stat.memory,
    streams: stat.numStreamsInbound + stat.numStreamsOutbound,
    streamsInbound: stat.numStreamsInbound,
    streamsOutbound: stat.numStreamsOutbound,
    conns: stat.numConnsInbound + stat.numConnsOutbound,
    connsInbound: stat.numConnsInbound,
    connsOutbound: stat.numConnsOutbound,
    fd: stat.numFD
  }
}

/**
 * Where more than a limit allows was let in. A limit may be lowered below what is
 * held already, but then nothing comes on top.
 */
function admittedAboveLimits ({ manager, model }: World, before: Map<string, ScopeStat>): string[] {
  return Array.from(shared(manager.stat())).flatMap(([name, stat]) => {
    const then = counts(before.get(name) ?? NOTHING)
    const now = counts(stat)
    const limit = model.limit(name)

    return LIMIT_FIELDS
      .filter(field => now[field] > then[field] && now[field] > limit[field])
      .map(field => `${field} of ${name}: ${now[field]} of ${limit[field]}`)
  })
}

describe('the graph of scopes', () => {
  it('should do what a simple model of the rules does, whatever happens', async function () {
    this.timeout(120_000)

    await fc.assert(fc.asyncProperty(limitTable, operations, async (limits, operations) => {
      const world = new World(limits)

      for (const operation of operations) {
        const before = shared(world.manager.stat())
        const outcome = await world.perform(operation)

        expect(fieldsOf(outcome?.actual)).to.deep.equal(fieldsOf(outcome?.expected))
        expect(actualState(world)).to.deep.equal(expectedState(world))
        expect(childrenAboveParents(world)).to.deep.equal([])
        expect(admittedAboveLimits(world, before)).to.deep.equal([])
      }

      await world.end()
      expect(actualState(world)).to.deep.equal(expectedState(world))

      for (const [name, stat] of shared(world.manager.stat())) {
        expect(stat).to.deep.equal(NOTHING, name)
      }
    }), { numRuns: RUNS })
  })
})
