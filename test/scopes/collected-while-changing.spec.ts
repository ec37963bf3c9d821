/**
 * Reporters, limiters, loggers and whoever makes room are called in the middle of changes,
 * and may collect or end anything there. No scope may then be used that is not in the graph
 * any more: what it holds would count nowhere.
 */

import { expect } from 'aegir/chai'
import { createResourceManager } from '../../src/index.ts'
import { UNLIMITED } from '../../src/limits/limit.ts'
import { ConcreteLimiter } from '../../src/limits/limiter.ts'
import { Core } from '../../src/manager/core.ts'
import { ScopeGraph } from '../../src/scopes/scope-graph.ts'
import { DefaultStreamScope } from '../../src/scopes/stream-scope.ts'
import { createManager, NOTHING, peerA, peerB, PROTOCOL, SERVICE, unlimitedBut } from './fixtures.ts'
import type { ConnectionManagementScope, ResourceManager, ResourceScopeSpan, StreamManagementScope, TraceReporter } from '../../src/index.ts'
import type { PartialLimitConfig } from '../../src/limits/limit-config.ts'

const LIMIT = 8

/**
 * More than once for each connection that a peer may have
 */
const ATTEMPTS = 43

const LIMITS = { peer: { [peerA.toString()]: { conns: LIMIT, streams: LIMIT } } }

/**
 * Managers whose idle scopes are collected whenever somebody is asked or told something
 */
const MANAGERS: Record<string, () => ResourceManager> = {
  'a trace reporter': () => {
    let manager: ResourceManager | undefined = undefined as ResourceManager | undefined

    // it is told of the first scopes before there is a manager
    manager = createManager(LIMITS, { trace: [{ consumeEvent: () => { manager?.gc() } }] })

    return manager
  },

  'a limiter': () => {
    const limiter = new ConcreteLimiter(unlimitedBut(LIMITS))
    const collect = <T> (limit: T): T => {
      manager.gc()

      return limit
    }
    const manager: ResourceManager = createResourceManager({
      limits: {
        getSystemLimits: () => limiter.getSystemLimits(),
        getTransientLimits: () => limiter.getTransientLimits(),
        getAllowlistedSystemLimits: () => limiter.getAllowlistedSystemLimits(),
        getAllowlistedTransientLimits: () => limiter.getAllowlistedTransientLimits(),
        getServiceLimits: name => collect(limiter.getServiceLimits(name)),
        getServicePeerLimits: name => collect(limiter.getServicePeerLimits(name)),
        getProtocolLimits: name => collect(limiter.getProtocolLimits(name)),
        getProtocolPeerLimits: name => collect(limiter.getProtocolPeerLimits(name)),
        getPeerLimits: peer => collect(limiter.getPeerLimits(peer)),
        getStreamLimits: () => collect(UNLIMITED),
        getConnLimits: () => collect(UNLIMITED)
      }
    })

    return manager
  }
}

function attempt<T> (open: () => T): T[] {
  try {
    return [open()]
  } catch {
    return []
  }
}

function openConnections (manager: ResourceManager): ConnectionManagementScope[] {
  return Array.from({ length: ATTEMPTS }, () => attempt(() => {
    const connection = manager.openConnection('inbound', true)

    try {
      connection.setPeer(peerA)
    } catch (err) {
      connection.done()
      throw err
    }

    return connection
  })).flat()
}

function openStreams (manager: ResourceManager): StreamManagementScope[] {
  return Array.from({ length: ATTEMPTS }, () => attempt(() => {
    const stream = manager.openStream(peerA, 'inbound')

    stream.setProtocol(PROTOCOL)
    stream.setService(SERVICE)

    return stream
  })).flat()
}

describe('collecting in the middle of a change', () => {
  for (const [who, create] of Object.entries(MANAGERS)) {
    it(`should not lift the limit of a peer when ${who} does it`, async () => {
      const manager = create()
      const connections = openConnections(manager)
      const streams = openStreams(manager)

      expect(connections).to.have.lengthOf(LIMIT)
      expect(streams).to.have.lengthOf(LIMIT)
      expect(manager.stat()).to.deep.include({
        peers: { [peerA.toString()]: { ...NOTHING, numConnsInbound: LIMIT, numFD: LIMIT, numStreamsInbound: LIMIT } },
        protocols: { [PROTOCOL]: { ...NOTHING, numStreamsInbound: LIMIT } },
        services: { [SERVICE]: { ...NOTHING, numStreamsInbound: LIMIT } }
      })

      ;[...connections, ...streams].forEach(scope => { scope.done() })
      // it has only been put off
      await Promise.resolve()
      expect(manager.stat()).to.deep.include({ system: NOTHING, transient: NOTHING, peers: {}, protocols: {} })
    })
  }

  /**
   * A graph in which whoever is told of a refusal, and whoever makes room, collects
   */
  function collectingGraph (limits: PartialLimitConfig, enforce: boolean): { graph: ScopeGraph, opener: Core } {
    const graph = new ScopeGraph({
      limiter: new ConcreteLimiter(unlimitedBut(limits)),
      enforce,
      captureStackTraces: false,
      observer: { onRefusal: () => { graph.idle.collectAll() }, onEviction: () => {}, onOverRelease: () => {} }
    })

    return { graph, opener: new Core(graph) }
  }

  it('should count what is let in where limits are not enforced', () => {
    const { graph, opener } = collectingGraph({ peerDefault: { streams: 0 } }, false)
    const streams = Array.from({ length: ATTEMPTS }, () => opener.openStream(peerA, 'inbound') as DefaultStreamScope)

    expect(graph.getPeer(peerA).stat()).to.deep.equal({ ...NOTHING, numStreamsInbound: ATTEMPTS })
    streams.forEach(stream => { stream.done() })
    expect(graph.normal.system.stat()).to.deep.equal(NOTHING)
  })

  it('should not lift the limit of a peer when it happens while room is made', () => {
    const { graph, opener } = collectingGraph({ system: { streams: 1 } }, true)
    let holder = opener.openStream(peerB, 'inbound') as DefaultStreamScope

    graph.roomMakers.push({
      makeRoom: () => {
        holder.done()
        graph.idle.collectAll()

        return true
      }
    })

    for (const peer of [peerA, peerB, peerA]) {
      holder = opener.openStream(peer, 'inbound') as DefaultStreamScope
      expect(holder).to.be.instanceOf(DefaultStreamScope)
      expect(graph.getPeer(peer).stat()).to.deep.equal({ ...NOTHING, numStreamsInbound: 1 })
    }
  })

  it('should happen at once when nothing is changing', () => {
    const manager = createManager()

    manager.viewPeer(peerA, () => {})
    manager.gc()
    expect(manager.listPeers()).to.be.empty()
  })
})

describe('ending something in the middle of its own change', () => {
  /**
   * Which events there are, for a reporter that ends what is being changed
   */
  const EVENTS = ['create_scope', 'add_stream', 'remove_stream', 'add_conn', 'remove_conn']

  function endingAt (type: string, nth: number): { manager: ResourceManager, ending: Array<Pick<ResourceScopeSpan, 'done'>> } {
    const ending: Array<Pick<ResourceScopeSpan, 'done'>> = []
    let seen = 0
    const reporter: TraceReporter = {
      consumeEvent: (event) => {
        if (event.type === type && ending.length > 0 && seen++ === nth) {
          ending[0].done()
        }
      }
    }

    return { manager: createManager({}, { trace: [reporter] }), ending }
  }

  for (const type of EVENTS) {
    it(`should leave nothing when a reporter does it at any ${type} event`, () => {
      for (let nth = 0; nth < 6; nth++) {
        const { manager, ending } = endingAt(type, nth)
        const stream = manager.openStream(peerA, 'inbound')

        ending.push(stream)
        attempt(() => { stream.setProtocol(PROTOCOL) })
        attempt(() => { stream.setService(SERVICE) })
        stream.done()

        const connection = manager.openConnection('inbound', true)

        ending[0] = connection
        attempt(() => { connection.setPeer(peerA) })
        attempt(() => { connection.setService(SERVICE) })
        connection.done()

        const { system, transient, services, protocols, peers } = manager.stat()

        for (const stat of [system, transient, ...[services, protocols, peers].flatMap(Object.values)]) {
          expect(stat).to.deep.equal(NOTHING)
        }
      }
    })
  }
})
