import { placeConnection, placeStream } from '../manager/placement.ts'
import { DefaultConnectionScope } from '../scopes/connection-scope.ts'
import { MEMORY_PRIORITY_ALWAYS, memoryThreshold, openingPriority } from '../scopes/memory-priority.ts'
import { refuseMove, TO_PEER, TO_PROTOCOL, TO_SERVICE } from '../scopes/moves.ts'
import { Rule } from '../scopes/refusal.ts'
import { NOTHING } from '../scopes/usage.ts'
import { ipFromMultiaddr } from '../util/ip-from-address.ts'
import { ImaginedScopes } from './imagined-scopes.ts'
import type { Constraint } from './imagined-scopes.ts'
import type { ConnectionRequest, StreamRequest } from './reservation-request.ts'
import type { Core } from '../manager/core.ts'
import type { Check, Newcomer, Opening } from '../manager/opening.ts'
import type { AggregateScope } from '../scopes/aggregate-scope.ts'
import type { MoveCheck, Mover } from '../scopes/moves.ts'
import type { Refusal, RefusingScope } from '../scopes/refusal.ts'
import type { ScopeKind } from '../scopes/scope-kind.ts'
import type { ScopePair } from '../scopes/scope-pair.ts'
import type { DefaultStreamScope } from '../scopes/stream-scope.ts'
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
  readonly left: ReadonlyArray<{ readonly scope: RefusingScope, readonly left: number }>
}

type Scope = DefaultConnectionScope | DefaultStreamScope

/**
 * What one peer has
 */
const OF_PEERS = new Set<ScopeKind>(['stream', 'peer', 'protocolPeer', 'servicePeer'])

/**
 * Opens and moves connections and streams in thought only: what would be asked of them is asked by
 * the code that opens and moves them, and they never enter the graph.
 */
class Thought extends ImaginedScopes implements Opening, Mover {
  /** The names of the scopes of those who would give way */
  readonly victims = new Set<string>()

  readonly canMakeRoom = true

  /** The connection that would have been opened last */
  opened?: DefaultConnectionScope
  readonly #core: Core
  readonly #newcomer: Newcomer
  readonly #inbound: boolean

  constructor (core: Core, direction: MessageStreamDirection, newcomer: Newcomer) {
    super(core.graph)
    this.#core = core
    this.#newcomer = newcomer
    this.#inbound = direction === 'inbound'
  }

  newConnection (direction: MessageStreamDirection, usefd: boolean, pair: ScopePair, endpoint?: Multiaddr): DefaultConnectionScope {
    const { graph } = this
    const connection = new DefaultConnectionScope(graph, 0, graph.limiter.getConnLimits(), direction === 'inbound', usefd, pair, endpoint)

    this.opened = connection

    return connection
  }

  /**
   * Nothing is left of a refusal where something would give way
   */
  makeRoom (reason: Refusal | undefined): Refusal | undefined {
    const victim = reason === undefined || !this.#inbound ? undefined : this.#core.findVictim?.(reason, this.#newcomer)

    if (victim === undefined) {
      return reason
    }

    this.victims.add(victim.name)
  }

  prove ({ endpoint, inbound, usefd }: DefaultConnectionScope, cost: number): DefaultConnectionScope | undefined {
    const { graph } = this
    const { peer } = this.#newcomer

    if (peer === undefined || graph.admission?.trusts(peer) !== true || (inbound && this.makeRoom(graph.admission.findProvers()) !== undefined)) {
      return
    }

    const before = this.opened
    const prover = this.newConnection(inbound ? 'inbound' : 'outbound', usefd, graph.proving, endpoint)

    if (prover.findRefusal(cost) === undefined) {
      return prover
    }

    this.opened = before
  }

  refuse <R extends Refusal | undefined> (reason: R): R {
    return reason
  }
}

export function explainConnection (core: Core, { address, direction, peer, service, usefd }: ConnectionRequest & { address?: Multiaddr }): Findings {
  const { graph } = core
  const thought = new Thought(core, direction, { request: 'connection', address, peer })
  const before = beforeConnection(core, direction, address)
  const first = thought.newConnection(direction, usefd === true, graph.normal, address)
  const reason = core.findConnection(first)
  const placed = reason === undefined ? first : placeConnection(core, thought, first, reason)
  const connection = thought.opened as DefaultConnectionScope
  const refused = placed === connection ? undefined : placed as Refusal
  const cost = core.baseCosts.connection
  // a rule of the node leaves no scope with room
  const left = refused?.refuser instanceof Rule ? [] : countLeft(connection, edgesOf(connection), cost, openingPriority(connection.inbound))
  const { victims } = thought

  if (peer == null) {
    return { victims, refusal: before ?? refused, left }
  }

  const attached = moveOf(thought, TO_PEER, connection, peer, cost)

  connection.peerScope = thought.getPeer(peer)

  const served = service == null ? undefined : moveOf(thought, TO_SERVICE, connection, service, cost)

  return {
    victims,
    refusal: before ??
      refused ??
      findFirst(core.peerChecks, direction) ??
      attached.find() ??
      served?.find(),
    left: [...left, ...attached.left, ...served?.left ?? []]
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
  const { connection, direction, peer, protocol } = request
  const thought = new Thought(core, direction, { request: 'stream', connection, peer })
  const service = request.service ?? (protocol == null ? undefined : core.serviceOf?.(protocol))
  const stream = thought.streamOf(direction, peer)
  const cost = core.baseCosts.stream
  const reason = stream.findRefusal(cost)
  const refused = reason && placeStream(core, thought, stream, reason, stream.peerScope.peer, peer == null ? undefined : connection)
  const left = countLeft(stream, edgesOf(stream), cost, openingPriority(stream.inbound))
  const negotiated = protocol == null ? undefined : moveOf(thought, TO_PROTOCOL, stream, protocol, cost)
  const served = service == null ? undefined : moveOf(thought, TO_SERVICE, stream, service, cost)

  return {
    victims: thought.victims,
    refusal: beforeStream(core, request) ??
      refused ??
      // only a node knows when a protocol was negotiated
      (core.serviceOf === undefined ? undefined : beforeProtocol(core, request)) ??
      negotiated?.find() ??
      served?.find(),
    left: [...left, ...negotiated?.left ?? [], ...served?.left ?? []].filter(({ scope }) => peer != null || !OF_PEERS.has(scope.kind))
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

interface ThoughtMove {
  readonly left: Findings['left']

  /**
   * Why it is refused, if so
   */
  find(): Refusal | undefined
}

function moveOf <S extends Scope, T extends PeerId | string> (thought: Thought, checks: ReadonlyArray<MoveCheck<S, T>>, scope: S, to: T, cost: number): ThoughtMove {
  const scopes = checks.map(check => check(scope, to, thought)).filter(Array.isArray).flat()

  return {
    left: countLeft(scope, scopes, cost, MEMORY_PRIORITY_ALWAYS),
    find: () => {
      // what it holds moves along
      scope.memory = cost

      return refuseMove(thought, checks, scope, to)
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
