import { findConnectionRefusal, findMemoryRefusal, findMoveRefusal, findStreamRefusal } from '../scopes/find-refusal.ts'
import { MEMORY_PRIORITY_ALWAYS, MEMORY_PRIORITY_HIGH, memoryThreshold } from '../scopes/memory-priority.ts'
import { NOTHING } from '../scopes/usage.ts'
import { ipFromMultiaddr } from '../util/ip-from-address.ts'
import { imagine, peerOf, protocolOf, serviceOf } from './constraints.ts'
import type { Constraint } from './constraints.ts'
import type { ConnectionRequest, StreamRequest } from './reservation-request.ts'
import type { Admission } from '../admission/admission.ts'
import type { ScopeOpener } from '../manager/scope-opener.ts'
import type { ScopePair } from '../scopes/aggregate-scope.ts'
import type { Refusal } from '../scopes/refusal.ts'
import type { ConnectionScope } from '../scopes/resource-scope.ts'
import type { ScopeGraph } from '../scopes/scope-graph.ts'
import type { Usage } from '../scopes/usage.ts'
import type { MessageStreamDirection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * What only a node refuses, in addition to the scopes and to what is decided by
 * address. Finding it changes nothing.
 */
export interface NodeRefusals {
  /**
   * An inbound connection that was accepted
   */
  findAccepted(address?: Multiaddr): Refusal | undefined

  /**
   * A connection whose peer is known
   */
  findConnected(direction: MessageStreamDirection, peer: PeerId, address?: Multiaddr): Refusal | undefined

  /**
   * An inbound stream that was opened
   */
  findOpened(peer?: PeerId, connection?: ConnectionScope): Refusal | undefined

  /**
   * The service that the streams of a protocol belong to, if they do
   */
  serviceOf(protocol: string): string | undefined

  /**
   * The name of the scope of what would give way to something that does not fit
   */
  findVictim(refusal: Refusal, newcomer: Newcomer): string | undefined
}

/**
 * Where something would come from that does not fit
 */
export interface Newcomer {
  readonly request: 'connection' | 'stream'
  readonly address?: Multiaddr
  readonly connection?: ConnectionScope
  readonly peer?: PeerId
}

export interface ExplainSource {
  readonly graph: ScopeGraph

  /** Not there where nothing is decided by address */
  readonly admission?: Admission
  readonly opener: Pick<ScopeOpener, 'baseCosts' | 'findFull' | 'isTrusted'>
  readonly node?: NodeRefusals
}

/**
 * Why a request would be refused, and what is left for others like it
 */
export interface Findings {
  readonly refusal?: Refusal

  /** The names of the scopes of those who would give way */
  readonly victims?: ReadonlySet<string>
  readonly left: ReadonlyArray<{ readonly scope: Constraint, readonly left: number }>
}

/**
 * Something that would be opened
 */
interface Opening {
  readonly inbound: boolean

  /** Including what it weighs in itself */
  readonly added: Usage
  findRefusal(scope: Constraint): Refusal | undefined

  /** How many more of these fit into a node, by its limits other than memory */
  left(scope: Constraint): number
}

export function explainConnection ({ admission, graph, node, opener }: ExplainSource, { address, direction, peer, service, usefd }: ConnectionRequest & { address?: Multiaddr }): Findings {
  const opening = connectionOpening(direction, usefd === true, opener.baseCosts.connection)
  const trusted = address != null && admission?.allowlist.allowed(address) === true
  const before = explainBefore({ admission, graph, node }, { address, direction, trusted })
  const itself = imagine(graph, 'conn', '', graph.limiter.getConnLimits())
  const { giveWay, victims } = givingWay(node, opening, { request: 'connection', address, peer })
  const inTime = openWhereNotFull(open(graph, opening, [itself], trusted), { inbound: opening.inbound, trusted, opener })
  const opened = prove({ ...inTime, refusal: giveWay(inTime.refusal) }, () => {
    const full = opening.inbound ? giveWay(graph.admission?.findProvers()) : undefined

    return peer != null && graph.admission?.trusts(peer) === true && full == null ? openIn(graph.proving, opening, [itself]) : undefined
  })

  if (peer == null) {
    return { victims, refusal: before ?? opened.refusal, left: opened.left }
  }

  // one that is not the peer that is trusted at the address goes back to the others. Its
  // subnet was asked before, and nothing happens meanwhile.
  const leavesAllowlist = opened.pair.allowlisted && admission?.allowlist.allowedPeerAndMultiaddr(peer, address as Multiaddr) !== true
  const { system, transient } = graph.normal
  const back = move(opening, leavesAllowlist ? [system, transient] : [])
  const attached = move(opening, peerOf(graph, { peer }))
  const served = move(opening, serviceOf(graph, { peer, service }))

  return {
    victims,
    refusal: before ??
      opened.refusal ??
      node?.findConnected(direction, peer, address) ??
      back.refusal ??
      attached.refusal ??
      giveWay(served.refusal),
    left: [...opened.left, ...back.left, ...attached.left, ...served.left]
  }
}

/**
 * What is decided before there is a scope
 */
function explainBefore ({ admission, graph, node }: Pick<ExplainSource, 'admission' | 'graph' | 'node'>, { address, direction, trusted }: { address?: Multiaddr, direction: MessageStreamDirection, trusted: boolean }): Refusal | undefined {
  const ip = address == null ? undefined : ipFromMultiaddr(address)

  return graph.bans?.find(direction, address) ??
    (direction === 'inbound' && !trusted ? node?.findAccepted(address) : undefined) ??
    admission?.peek(ip, direction)
}

export function explainStream (source: ExplainSource, request: StreamRequest): Findings {
  const { graph, node, opener } = source
  const { connection, direction, peer, protocol } = request
  const opening = streamOpening(direction, opener.baseCosts.stream)
  const service = request.service ?? (protocol == null ? undefined : node?.serviceOf(protocol))
  const itself = peer == null ? [] : [imagine(graph, 'stream', '', graph.limiter.getStreamLimits(peer))]
  const trusted = peer != null && connection != null && opener.isTrusted(peer, connection)
  const opened = open(graph, opening, [...itself, ...peerOf(graph, { peer })], trusted)
  const negotiated = move(opening, protocolOf(graph, { peer, protocol }))
  const served = move(opening, serviceOf(graph, { peer, service }))
  const byRate = peekRates(source, request)
  const { giveWay, victims } = givingWay(node, opening, { request: 'stream', connection, peer })

  return {
    victims,
    refusal: (opening.inbound ? node?.findOpened(peer, connection) : undefined) ??
      byRate.opened ??
      giveWay(opened.refusal) ??
      byRate.negotiated ??
      giveWay(negotiated.refusal) ??
      (service == null ? undefined : graph.serviceGate?.findRefusal({ kind: 'stream', inbound: opening.inbound }, service)) ??
      giveWay(served.refusal),
    left: [...opened.left, ...negotiated.left, ...served.left]
  }
}

/**
 * What becomes of a refusal where something may give way: nothing, if something would
 */
function givingWay (node: NodeRefusals | undefined, { inbound }: Opening, newcomer: Newcomer): { giveWay(refusal?: Refusal): Refusal | undefined, victims: Set<string> } {
  const victims = new Set<string>()

  return {
    victims,
    giveWay: refusal => {
      const victim = refusal == null || !inbound ? undefined : node?.findVictim(refusal, newcomer)

      if (victim == null) {
        return refusal
      }

      victims.add(victim)
    }
  }
}

/**
 * Why a stream comes too soon, when it is opened or when its protocol is known, if so
 */
function peekRates ({ admission, node }: ExplainSource, { direction, peer, protocol }: StreamRequest): Record<'opened' | 'negotiated', Refusal | undefined> {
  // rates are for what remote peers open
  const rates = direction === 'inbound' ? admission?.streamRates : undefined
  const key = peer?.toString() ?? ''

  return {
    opened: peer == null ? undefined : rates?.peek(key),
    // only a node knows when a protocol was negotiated
    negotiated: peer == null || protocol == null || node == null ? undefined : rates?.peekProtocol(protocol, key)
  }
}

function connectionOpening (direction: MessageStreamDirection, usefd: boolean, weight: number): Opening {
  const inbound = direction === 'inbound'
  const added: Usage = { ...NOTHING, memory: weight, connsInbound: inbound ? 1 : 0, connsOutbound: inbound ? 0 : 1, fd: usefd ? 1 : 0 }

  return {
    inbound,
    added,
    findRefusal: scope => findConnectionRefusal(undefined, scope, scope, added),
    left: scope => Math.min(
      inbound ? scope.limit.connsInbound - scope.connsInbound : scope.limit.connsOutbound - scope.connsOutbound,
      scope.limit.conns - scope.connsInbound - scope.connsOutbound,
      usefd ? scope.limit.fd - scope.fd : Infinity
    )
  }
}

function streamOpening (direction: MessageStreamDirection, weight: number): Opening {
  const inbound = direction === 'inbound'
  const added: Usage = { ...NOTHING, memory: weight, streamsInbound: inbound ? 1 : 0, streamsOutbound: inbound ? 0 : 1 }

  return {
    inbound,
    added,
    findRefusal: scope => findStreamRefusal(undefined, scope, scope, added),
    left: scope => Math.min(
      inbound ? scope.limit.streamsInbound - scope.streamsInbound : scope.limit.streamsOutbound - scope.streamsOutbound,
      scope.limit.streams - scope.streamsInbound - scope.streamsOutbound
    )
  }
}

/**
 * A node may have no room for what fits
 */
function openWhereNotFull <T extends Findings> (opened: T, { inbound, trusted, opener }: { inbound: boolean, trusted: boolean, opener: Pick<ScopeOpener, 'findFull'> }): T {
  const full = inbound && !trusted && opened.refusal == null ? opener.findFull?.() : undefined

  return full == null ? opened : { ...opened, refusal: full, left: [] }
}

/**
 * Where the system is full, those who prove that they are trusted wherever they are may go on
 *
 * @param opened - what becomes of somebody else
 * @param open - answers nothing for somebody else
 */
function prove (opened: Findings & { pair: ScopePair }, open: () => Findings & { pair: ScopePair } | undefined): Findings & { pair: ScopePair } {
  const proved = opened.refusal?.kind === 'system' ? open() : undefined

  return proved != null && proved.refusal == null ? proved : opened
}

/**
 * @param graph
 * @param opening
 * @param own - what constrains it other than a pair
 * @param trusted - whether the allowlisted pair may be used where the normal one is full
 */
function open (graph: ScopeGraph, opening: Opening, own: Constraint[], trusted: boolean): Findings & { pair: ScopePair } {
  const normal = openIn(graph.normal, opening, own)

  return normal.refusal != null && trusted ? openIn(graph.allowlisted, opening, own) : normal
}

function openIn (pair: ScopePair, opening: Opening, own: Constraint[]): Findings & { pair: ScopePair } {
  const scopes = [...own, pair.transient, pair.system]
  const priority = opening.inbound ? MEMORY_PRIORITY_HIGH : MEMORY_PRIORITY_ALWAYS
  const { memory } = opening.added

  return {
    pair,
    // memory is looked at when all the rest fits, and not at all where none is needed
    refusal: firstRefusal(scopes, opening.findRefusal) ??
      (memory === 0 ? undefined : firstRefusal(scopes, scope => findMemoryRefusal(undefined, scope, memory, priority))),
    left: countLeft(scopes, opening, priority)
  }
}

function move (opening: Opening, scopes: Constraint[]): Findings {
  return {
    refusal: firstRefusal(scopes, scope => findMoveRefusal(scope, opening.added)),
    left: countLeft(scopes, opening, MEMORY_PRIORITY_ALWAYS)
  }
}

function firstRefusal (scopes: Constraint[], find: (scope: Constraint) => Refusal | undefined): Refusal | undefined {
  for (const scope of scopes) {
    const refusal = find(scope)

    if (refusal != null) {
      return refusal
    }
  }
}

function countLeft (scopes: Constraint[], opening: Opening, priority: number): Findings['left'] {
  const { memory } = opening.added

  return scopes.map(scope => {
    const left = opening.left(scope)

    return {
      scope,
      left: memory === 0 ? left : Math.min(left, Math.floor((memoryThreshold(scope.limit.memory, priority) - scope.memory) / memory))
    }
  })
}
