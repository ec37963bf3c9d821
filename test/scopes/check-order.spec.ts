import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { ConcreteLimiter } from '../../src/limits/limiter.ts'
import { Core } from '../../src/manager/core.ts'
import { explain } from '../../src/reporting/explain.ts'
import { findConnectionRefusal, findStreamRefusal } from '../../src/scopes/find-refusal.ts'
import { TO_PEER, TO_PROTOCOL, TO_SERVICE } from '../../src/scopes/moves.ts'
import { Rule } from '../../src/scopes/refusal.ts'
import { ScopeGraph } from '../../src/scopes/scope-graph.ts'
import { changePair, scopesOfNormal } from '../../src/scopes/scope-pair.ts'
import { NOTHING, oneConnection, oneStream } from '../../src/scopes/usage.ts'
import { peerA, peerB, PROTOCOL, SERVICE, unlimitedBut } from './fixtures.ts'
import type { AggregateScope } from '../../src/scopes/aggregate-scope.ts'
import type { DefaultConnectionScope } from '../../src/scopes/connection-scope.ts'
import type { MoveCheck } from '../../src/scopes/moves.ts'
import type { OwnedScope } from '../../src/scopes/owned-scope.ts'
import type { Refusal } from '../../src/scopes/refusal.ts'
import type { DefaultStreamScope } from '../../src/scopes/stream-scope.ts'
import type { PeerId } from '@libp2p/interface'

const RUNS = 500

/**
 * What is not a scope and may refuse a move
 */
const RULES = ['ban', 'leaving', 'gate'] as const

/**
 * The scopes that may be full
 */
const SCOPES = ['system', 'transient', 'peer', 'protocol', 'protocolPeer', 'service', 'servicePeer'] as const

type RuleName = typeof RULES[number]
type ScopeName = typeof SCOPES[number]
type Refuser = Refusal['refuser']

const rules = fc.subarray([...RULES])
const scopes = fc.subarray([...SCOPES])
const inbound = fc.boolean()
const pairName = fc.constantFrom('normal' as const, 'allowlisted' as const, 'proving' as const)

/**
 * A graph in which some rules refuse everything, with what it was told of
 */
class Graph {
  readonly graph: ScopeGraph
  readonly core: Core
  readonly told: Refuser[] = []

  constructor (refusing: RuleName[] = [], enforce = true) {
    this.graph = new ScopeGraph({
      limiter: new ConcreteLimiter(unlimitedBut({})),
      enforce,
      captureStackTraces: false,
      observer: { onRefusal: ({ refuser }) => { this.told.push(refuser) }, onEviction: () => {}, onOverRelease: () => {} }
    })
    this.core = new Core(this.graph)

    const refusalOf = (name: RuleName): (() => Refusal | undefined) => {
      const rule = new Rule(name, {})

      return () => refusing.includes(name) ? rule.refuse('connection', oneConnection(true, false), 0, 0) : undefined
    }

    const leaving = refusalOf('leaving')

    this.graph.bans = { find: () => undefined, findPeer: refusalOf('ban'), refused: () => {}, evicted: () => {} }
    this.graph.serviceGate = { findRefusal: refusalOf('gate'), joined: () => {} }
    this.graph.admission = {
      prove: () => undefined,
      trusts: () => false,
      isShared: () => false,
      findProvers: () => undefined,
      staysAllowlisted: () => false,
      scopesToReturnTo: scopesOfNormal,
      findLeaving: connection => scopesOfNormal(connection).length > 0 ? leaving() : undefined,
      changePair,
      leave: () => {}
    }
  }

  /**
   * The scope that has one of the names, of the peer, protocol and service that the tests have
   */
  scope (name: ScopeName): AggregateScope {
    const { graph } = this

    switch (name) {
      case 'system':
      case 'transient':
        return graph.normal[name]
      case 'peer':
        return graph.getPeer(peerA)
      case 'protocol':
        return graph.getProtocol(PROTOCOL)
      case 'service':
        return graph.getService(SERVICE)
      default:
        return graph.getPeerChild(this.scope('peer'), this.scope(name === 'protocolPeer' ? 'protocol' : 'service'))
    }
  }

  fill (full: ScopeName[]): void {
    full.forEach(name => { this.scope(name).setLimit({ streams: 0, conns: 0 }) })
  }

  /**
   * What each of the checks of a move finds, in their order
   */
  found <S extends DefaultConnectionScope | DefaultStreamScope, T extends PeerId | string> (checks: ReadonlyArray<MoveCheck<S, T>>, scope: S, to: T): Refuser[] {
    return checks
      .map(check => check(scope, to, this.graph))
      .map(found => Array.isArray(found) ? found.find(into => !scope.fitsInto(into)) : found?.refuser)
      .filter(refuser => refuser !== undefined)
  }

  /**
   * All scopes that add up what others hold, by what they hold
   */
  memory (): Map<AggregateScope, number> {
    const all = [...SCOPES.map(name => this.scope(name)), this.graph.getPeer(peerB), this.graph.allowlisted.system, this.graph.allowlisted.transient]

    return new Map(all.map(scope => [scope, scope.memory]))
  }
}

/**
 * How far a connection or stream has got
 */
const step = fc.constantFrom('opened' as const, 'attached' as const, 'served' as const)

function openStream (graph: ScopeGraph, inbound: boolean, step: 'opened' | 'attached' | 'served'): DefaultStreamScope {
  const stream = graph.newStream(peerA, inbound ? 'inbound' : 'outbound')

  stream.enter()
  step !== 'opened' && stream.setProtocol(PROTOCOL)
  step === 'served' && stream.setService(SERVICE)

  return stream
}

function openConnection (graph: ScopeGraph, inbound: boolean, step: 'opened' | 'attached' | 'served', pair = graph.normal): DefaultConnectionScope {
  const connection = graph.newConnection(inbound ? 'inbound' : 'outbound', true, pair)

  connection.enter()
  step !== 'opened' && connection.setPeer(peerA)
  step === 'served' && connection.setService(SERVICE)

  return connection
}

// what moves or reserves first looks whether anything refuses it, in any order, because nearly always
// nothing does. Which of them refuses, and what explain says, is for the lists to say: nothing may be in one
// and not in the other

describe('the order of checks', () => {
  /**
   * One that moves is refused by what its list finds first, and by nothing else
   */
  function compare <S extends DefaultConnectionScope | DefaultStreamScope, T extends PeerId | string> (world: Graph, checks: ReadonlyArray<MoveCheck<S, T>>, scope: S, to: T, move: () => Refusal | undefined): void {
    const found = world.found(checks, scope, to)
    const before = scope.edges
    const refusal = move()

    if (world.graph.enforce) {
      expect(refusal?.refuser).to.equal(found[0])
      expect(world.told).to.deep.equal(found.slice(0, 1))

      // what is not refused is in nothing that was full, and what is refused stays where it was
      const added = scope.edges.filter(edge => !before.includes(edge))

      expect(added.filter(({ limit }) => limit.streams === 0)).to.be.empty()
      expect(added.length > 0).to.equal(refusal === undefined)
    } else {
      expect(refusal).to.equal(undefined)
      expect(world.told).to.deep.equal(found)
    }
  }

  it('should be that of the list for a connection that moves to its peer', () => {
    fc.assert(fc.property(rules, scopes, inbound, pairName, fc.boolean(), (rules, scopes, inbound, pairName, enforce) => {
      const world = new Graph(rules, enforce)
      const { graph } = world
      const connection = openConnection(graph, inbound, 'opened', graph[pairName])

      world.fill(scopes)
      compare(world, TO_PEER, connection, peerA, () => connection.trySetPeer(peerA))

      connection.done()
      expect([...SCOPES.map(name => world.scope(name)), graph.allowlisted.system, graph.allowlisted.transient].every(({ connsInbound, connsOutbound }) => connsInbound + connsOutbound === 0)).to.equal(true)
      expect(graph.provers).to.equal(0)
    }), { numRuns: RUNS })
  })

  it('should be that of the list for a stream that moves to its protocol', () => {
    fc.assert(fc.property(rules, scopes, inbound, fc.boolean(), (rules, scopes, inbound, enforce) => {
      const world = new Graph(rules, enforce)
      const stream = openStream(world.graph, inbound, 'opened')

      world.fill(scopes)
      compare(world, TO_PROTOCOL, stream, PROTOCOL, () => stream.trySetProtocol(PROTOCOL))
    }), { numRuns: RUNS })
  })

  it('should be that of the list for what moves to a service', () => {
    fc.assert(fc.property(rules, scopes, inbound, fc.boolean(), fc.boolean(), (rules, scopes, inbound, enforce, ofStream) => {
      // it has got so far
      const world = new Graph(rules.filter(name => name === 'gate'), enforce)
      const scope = ofStream ? openStream(world.graph, inbound, 'attached') : openConnection(world.graph, inbound, 'attached')

      world.fill(scopes)
      compare(world, TO_SERVICE, scope, SERVICE, () => scope.trySetService(SERVICE))
    }), { numRuns: RUNS })
  })

  it('should be that of the scopes for what is opened', () => {
    fc.assert(fc.property(scopes, inbound, fc.boolean(), (scopes, inbound, ofStream) => {
      const world = new Graph()
      const { graph } = world

      world.fill(scopes)

      if (ofStream) {
        const stream = graph.newStream(peerA, inbound ? 'inbound' : 'outbound')
        const full = stream.edges.find(scope => findStreamRefusal(stream, scope, scope, oneStream(inbound)) !== undefined)

        expect(stream.findRefusal(0)?.refuser).to.equal(full)
      } else {
        const connection = graph.newConnection(inbound ? 'inbound' : 'outbound', true, graph.normal)
        const full = connection.edges.find(scope => findConnectionRefusal(connection, scope, scope, oneConnection(inbound, true)) !== undefined)

        expect(connection.findRefusal(0)?.refuser).to.equal(full)
        connection.setLimit({ fd: 0 })
        expect(connection.findRefusal(0)?.refuser).to.equal(connection)
        expect(findConnectionRefusal(connection, connection, NOTHING, oneConnection(inbound, true))?.resource).to.equal('fd')
      }
    }), { numRuns: RUNS })
  })

  const memory = fc.integer({ min: 0, max: 200 })
  const limits = fc.record(Object.fromEntries(SCOPES.map(name => [name, memory])) as Record<ScopeName, typeof memory>, { requiredKeys: [] })
  const owner = fc.constantFrom('stream' as const, 'connection' as const, 'aggregate' as const)

  it('should be that of the scopes for memory, which is added to all of them or to none', () => {
    fc.assert(fc.property(limits, owner, step, inbound, fc.boolean(), fc.array(fc.tuple(fc.nat(100), fc.nat(255)), { maxLength: 5 }), (limits, owner, step, inbound, inSpan, requests) => {
      const world = new Graph()
      const { core, graph } = world
      const opened = owner === 'stream' ? openStream(graph, inbound, step) : openConnection(graph, inbound, step)
      const holder: OwnedScope | AggregateScope = owner === 'aggregate' ? world.scope('protocol') : opened
      const requester = (inSpan ? holder.beginSpan() : holder) as OwnedScope

      Object.entries(limits).forEach(([name, limit]) => { world.scope(name as ScopeName).setLimit({ memory: limit }) })

      for (const [size, priority] of requests) {
        const asked = requester.selfAndEdges as Array<AggregateScope | OwnedScope>
        const full = asked.find(scope => !scope.fitsMemory(size, priority))

        expect(requester.hasMemory(size, priority)).to.equal(full === undefined)
        expect(requester.firstWithoutMemory(size, priority)).to.equal(full)

        if (owner === 'stream' && step !== 'opened') {
          const explained = explain(core, { resource: 'memory', size, priority, peer: peerA, protocol: PROTOCOL, service: step === 'served' ? SERVICE : undefined })

          expect(explained.refusedBy).to.equal(full?.name)
        }

        const before = world.memory()
        const added = requester.tryReserveMemory(size, priority) === undefined ? size : 0

        expect(added > 0 || full !== undefined || size === 0).to.equal(true)
        world.memory().forEach((memory, scope) => {
          expect(memory - (before.get(scope) ?? 0)).to.equal(asked.includes(scope) ? added : 0, scope.name)
        })
      }
    }), { numRuns: RUNS })
  })
})
