import { UNLIMITED } from '../limits/limit.ts'
import { findRefusal, openingPriority } from '../manager/opening.ts'
import { placeConnection, placeStream } from '../manager/placement.ts'
import { DefaultConnectionScope } from '../scopes/connection-scope.ts'
import { findMoveRefusal } from '../scopes/find-refusal.ts'
import { MEMORY_PRIORITY_ALWAYS, memoryThreshold } from '../scopes/memory-priority.ts'
import { Rule } from '../scopes/refusal.ts'
import { DefaultStreamScope } from '../scopes/stream-scope.ts'
import { NOTHING } from '../scopes/usage.ts'
import { ipFromMultiaddr } from '../util/ip-from-address.ts'
import { peerOf, protocolOf, serviceOf } from './constraints.ts'
import type { Constraint } from './constraints.ts'
import type { ConnectionRequest, StreamRequest } from './reservation-request.ts'
import type { Core } from '../manager/core.ts'
import type { Check, Newcomer, Opening } from '../manager/opening.ts'
import type { AggregateScope, ScopePair } from '../scopes/aggregate-scope.ts'
import type { Refusal } from '../scopes/refusal.ts'
import type { Usage } from '../scopes/usage.ts'
import type { MessageStreamDirection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Why a request would be refused, and what is left for others like it
 */
export interface Findings {
  readonly refusal?: Refusal

  /** The names of the scopes of those who would give way */
  readonly victims?: ReadonlySet<string>
  readonly left: ReadonlyArray<{ readonly scope: Constraint, readonly left: number }>
}

type Scope = DefaultConnectionScope | DefaultStreamScope

/**
 * Opens connections and streams in thought only: they are asked for what would be asked of them, by
 * the code that opens them, and never enter the graph.
 */
class ThoughtOpening implements Opening {
  /** The names of the scopes of those who would give way */
  readonly victims = new Set<string>()

  readonly canMakeRoom = true

  /** What would have been opened last */
  opened?: Scope
  readonly #core: Core
  readonly #newcomer: Newcomer
  readonly #inbound: boolean

  constructor (core: Core, direction: MessageStreamDirection, newcomer: Newcomer) {
    this.#core = core
    this.#newcomer = newcomer
    this.#inbound = direction === 'inbound'
  }

  newConnection (direction: MessageStreamDirection, usefd: boolean, pair: ScopePair, endpoint?: Multiaddr): DefaultConnectionScope {
    const { graph } = this.#core
    const connection = new DefaultConnectionScope(graph, 0, graph.limiter.getConnLimits(), direction === 'inbound', usefd, pair, endpoint)

    this.opened = connection

    return connection
  }

  newStream (peer: PeerId, direction: MessageStreamDirection): DefaultStreamScope {
    const { graph } = this.#core
    const peerScope = graph.peers.get(peer.toString()) ?? graph.imaginePeer(peer)
    const stream = new DefaultStreamScope(graph, 0, graph.limiter.getStreamLimits(peer), peerScope, direction === 'inbound', graph.normal)

    this.opened = stream

    return stream
  }

  /**
   * Nothing is left of a refusal where something would give way
   */
  makeRoom (reason: Refusal): Refusal | undefined {
    return this.giveWay(reason)
  }

  giveWay (reason: Refusal | undefined): Refusal | undefined {
    const victim = reason === undefined || !this.#inbound ? undefined : this.#core.findVictim?.(reason, this.#newcomer)

    if (victim === undefined) {
      return reason
    }

    this.victims.add(victim.name)
  }

  prove ({ endpoint, inbound, usefd }: DefaultConnectionScope, cost: number): DefaultConnectionScope | undefined {
    const { graph } = this.#core
    const { peer } = this.#newcomer

    if (peer === undefined || graph.admission?.trusts(peer) !== true || (inbound && this.giveWay(graph.admission.findProvers()) !== undefined)) {
      return
    }

    const before = this.opened
    const prover = this.newConnection(inbound ? 'inbound' : 'outbound', usefd, graph.proving, endpoint)

    if (findRefusal(prover, cost) === undefined) {
      return prover
    }

    this.opened = before
  }

  refuse (reason: Refusal): Refusal {
    return reason
  }
}

export function explainConnection (core: Core, { address, direction, peer, service, usefd }: ConnectionRequest & { address?: Multiaddr }): Findings {
  const { graph } = core
  const thought = new ThoughtOpening(core, direction, { request: 'connection', address, peer })
  const before = beforeConnection(core, direction, address)
  const first = thought.newConnection(direction, usefd === true, graph.normal, address)
  const reason = core.findConnection(first)
  const placed = reason === undefined ? first : placeConnection(core, thought, first, reason)
  const connection = thought.opened as DefaultConnectionScope
  const refused = placed === connection ? undefined : placed as Refusal
  const cost = core.baseCosts.connection
  // a rule of the node leaves no scope with room
  const left = refused?.refuser instanceof Rule ? [] : countLeft(connection, edgesOf(connection), cost, openingPriority(connection))
  const { victims } = thought

  if (peer == null) {
    return { victims, refusal: before ?? refused, left }
  }

  const scopes = connection.scopesToReturnTo(peer)
  const back = move(connection, scopes, cost)
  const attached = move(connection, peerOf(graph, { peer }), cost)
  const served = move(connection, serviceOf(graph, { peer, service }), cost)

  return {
    victims,
    refusal: before ??
      refused ??
      findFirst(core.peerChecks, direction) ??
      graph.bans?.findPeer(direction, peer, address) ??
      back.refusal ??
      attached.refusal ??
      thought.giveWay(served.refusal),
    left: [...left, ...back.left, ...attached.left, ...served.left]
  }
}

/**
 * What is decided before there is a scope
 */
function beforeConnection (core: Core, direction: MessageStreamDirection, address?: Multiaddr): Refusal | undefined {
  const ip = address == null ? undefined : ipFromMultiaddr(address)
  const stranger = direction === 'inbound' && !core.trust.isAllowlisted(address)

  return (stranger ? findFirst(core.strangersConnections, address) : undefined) ??
    findFirst(core.connectionChecks, direction, address, ip)
}

export function explainStream (core: Core, request: StreamRequest): Findings {
  const { graph } = core
  const { connection, direction, peer, protocol } = request
  const inbound = direction === 'inbound'
  const thought = new ThoughtOpening(core, direction, { request: 'stream', connection, peer })
  const service = request.service ?? (protocol == null ? undefined : core.serviceOf?.(protocol))
  const stream = peer == null ? imagineStream(core, inbound) : thought.newStream(peer, direction)
  const cost = core.baseCosts.stream
  const reason = findRefusal(stream, cost)
  const refused = reason && placeStream(core, thought, stream, reason, stream.peerScope.peer, peer == null ? undefined : connection)
  const own = peer == null ? [stream.pair.transient, stream.pair.system] : edgesOf(stream)
  const negotiated = move(stream, protocolOf(graph, { peer, protocol }), cost)
  const served = move(stream, serviceOf(graph, { peer, service }), cost)

  return {
    victims: thought.victims,
    refusal: beforeStream(core, request) ??
      refused ??
      // only a node knows when a protocol was negotiated
      (core.serviceOf === undefined ? undefined : beforeProtocol(core, request)) ??
      thought.giveWay(negotiated.refusal) ??
      (service == null ? undefined : graph.serviceGate?.findRefusal({ kind: 'stream', inbound }, service)) ??
      thought.giveWay(served.refusal),
    left: [...countLeft(stream, own, cost, openingPriority(stream)), ...negotiated.left, ...served.left]
  }
}

/**
 * What is decided before a stream is counted, which is for what remote peers open
 */
function beforeStream (core: Core, { connection, direction, peer }: StreamRequest): Refusal | undefined {
  if (direction !== 'inbound') {
    return
  }

  const address = connection instanceof DefaultConnectionScope ? connection.endpoint : undefined
  const peerScope: AggregateScope | undefined = peer == null ? undefined : core.graph.peers.get(peer.toString())

  return (core.trust.isKnown(peer, address) ? undefined : findFirst(core.strangersStreams, peerScope)) ??
    (peer == null ? undefined : findFirst(core.streamChecks, peer.toString()))
}

function beforeProtocol (core: Core, { direction, peer, protocol }: StreamRequest): Refusal | undefined {
  return direction !== 'inbound' || peer == null || protocol == null ? undefined : findFirst(core.protocolChecks, protocol, peer.toString())
}

/**
 * A stream of nobody in particular: only what is for all of them constrains it
 */
function imagineStream ({ graph }: Core, inbound: boolean): DefaultStreamScope {
  return new DefaultStreamScope(graph, 0, UNLIMITED, graph.imaginePeer(), inbound, graph.normal)
}

function edgesOf (scope: Scope): Constraint[] {
  return scope.selfAndEdges as unknown as Constraint[]
}

function findFirst <A extends unknown[]> (checks: ReadonlyArray<Check<A>>, ...request: A): Refusal | undefined {
  for (const check of checks) {
    const refusal = check.find(...request)

    if (refusal !== undefined) {
      return refusal
    }
  }
}

function move (scope: Scope, into: Constraint[], cost: number): Findings {
  const added = { ...scope.usage, memory: cost }

  return {
    refusal: firstRefusal(into, scope => findMoveRefusal(scope, added)),
    left: countLeft(scope, into, cost, MEMORY_PRIORITY_ALWAYS)
  }
}

export function firstRefusal (scopes: Constraint[], find: (scope: Constraint) => Refusal | undefined): Refusal | undefined {
  for (const scope of scopes) {
    const refusal = find(scope)

    if (refusal != null) {
      return refusal
    }
  }
}

/**
 * How many more like this one there is room for, in each scope
 */
function countLeft (scope: Scope, scopes: Constraint[], cost: number, priority: number): Findings['left'] {
  return scopes.map(constraint => {
    // what it would be checked against holds nothing of it yet
    const held: Usage = (constraint as unknown) === scope ? NOTHING : constraint
    const left = scope instanceof DefaultConnectionScope ? connectionsLeft(scope, constraint, held) : streamsLeft(scope, constraint, held)

    return {
      scope: constraint,
      left: cost === 0 ? left : Math.min(left, Math.floor((memoryThreshold(constraint.limit.memory, priority) - held.memory) / cost))
    }
  })
}

function connectionsLeft ({ inbound, usefd }: DefaultConnectionScope, { limit }: Constraint, held: Usage): number {
  return Math.min(
    inbound ? limit.connsInbound - held.connsInbound : limit.connsOutbound - held.connsOutbound,
    limit.conns - held.connsInbound - held.connsOutbound,
    usefd ? limit.fd - held.fd : Infinity
  )
}

function streamsLeft ({ inbound }: DefaultStreamScope, { limit }: Constraint, held: Usage): number {
  return Math.min(
    inbound ? limit.streamsInbound - held.streamsInbound : limit.streamsOutbound - held.streamsOutbound,
    limit.streams - held.streamsInbound - held.streamsOutbound
  )
}
