import { findMoveRefusal } from './find-refusal.ts'
import { assertOpen } from './refusal.ts'
import type { AggregateScope, PeerShareScope } from './aggregate-scope.ts'
import type { Graph } from './graph.ts'
import type { OwnedScope } from './owned-scope.ts'
import type { Refusal } from './refusal.ts'
import type { PairedConnection, PairGate } from './scope-pair.ts'
import type { MessageStreamDirection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/*
 * What is asked before something moves, in this order. It is said here only: whoever moves something
 * asks these lists where anything refuses it, and `explain` asks the same lists.
 *
 * Nearly always nothing refuses, and then the order does not matter. So those who move first look
 * whether anything does, without a list.
 */

/**
 * A connection or stream, as what moves
 */
export interface Moving extends OwnedScope {
  readonly inbound: boolean

  fitsInto(scope: AggregateScope): boolean
}

interface MovingConnection extends Moving, PairedConnection {
  readonly endpoint?: Multiaddr
  readonly graph: Graph & PairedConnection['graph'] & { readonly admission?: PairGate, readonly bans?: { findPeer(direction: MessageStreamDirection, peer: PeerId, address?: Multiaddr): Refusal | undefined } }
}

interface Joining extends Moving {
  readonly graph: Graph & { readonly serviceGate?: { findRefusal(scope: Moving, service: string): Refusal | undefined } }
  readonly peerScope?: AggregateScope
}

/**
 * Where the scopes are that something moves to
 */
export interface Destinations {
  getPeer(peer: PeerId): AggregateScope
  getProtocol(protocol: string): AggregateScope
  getService(service: string): AggregateScope
  getPeerChild(peerScope: AggregateScope, whole: AggregateScope): PeerShareScope
}

/**
 * Who moves something: the graph, which makes the scopes that there are not yet, or `explain`, in
 * thought only
 */
export interface Mover extends Destinations {
  /**
   * Lets others give way to something that does not fit
   */
  makeRoom(refusal: Refusal | undefined, newcomer: OwnedScope, check: () => Refusal | undefined): Refusal | undefined

  /**
   * What has to be turned down of what does not fit
   */
  refuse(refusal: Refusal | undefined, requester: Moving, joining: string): Refusal | undefined
}

/**
 * One of the things that a move asks. It answers why a rule forbids the move, if so, and counts
 * nothing, or which scopes must have room for all that moves, in the order in which they are asked.
 */
export type MoveCheck<S, T> = (scope: S, to: T, at: Destinations) => Refusal | AggregateScope[] | undefined

/**
 * Of a connection to its peer
 */
export const TO_PEER: ReadonlyArray<MoveCheck<MovingConnection, PeerId>> = [
  findBan,
  ofPair('scopesToReturnTo'),
  (_, peer, at) => [at.getPeer(peer)],
  ofPair('findLeaving')
]

/**
 * Of a stream to its protocol
 */
export const TO_PROTOCOL: ReadonlyArray<MoveCheck<Joining, string>> = [
  groupAndShare('getProtocol')
]

/**
 * Of either to a service
 */
export const TO_SERVICE: ReadonlyArray<MoveCheck<Joining, string>> = [
  findGated,
  groupAndShare('getService')
]

/**
 * What those are asked that may not stay in the allowlisted pair
 */
function ofPair (find: 'scopesToReturnTo' | 'findLeaving'): MoveCheck<MovingConnection, PeerId> {
  return (connection, peer, at) => connection.graph.admission?.[find](connection, peer, (at as object) === connection.graph)
}

/**
 * All of a protocol or service, before the share that the peer has of it
 */
function groupAndShare (get: 'getProtocol' | 'getService'): MoveCheck<Joining, string> {
  return ({ peerScope }, name, at) => {
    const whole = at[get](name)

    return [whole, at.getPeerChild(peerScope as AggregateScope, whole)]
  }
}

/**
 * Why a connection must not have this peer, if so
 */
export function findBan ({ endpoint, graph: { bans }, inbound }: MovingConnection, peer: PeerId): Refusal | undefined {
  return bans?.findPeer(inbound ? 'inbound' : 'outbound', peer, endpoint)
}

/**
 * Why something may not be part of a service, if so, beside the scopes of that
 */
export function findGated (scope: Joining, service: string): Refusal | undefined {
  return scope.graph.serviceGate?.findRefusal(scope, service)
}

/**
 * Why something cannot move, if so: the first of the checks that refuses it, after whatever gives way
 * has done so
 *
 * @throws {ResourceScopeClosedError} If what moves was ended meanwhile
 */
export function refuseMove <S extends Moving, T extends PeerId | string> (mover: Mover, checks: ReadonlyArray<MoveCheck<S, T>>, scope: S, to: T): Refusal | undefined {
  const joining = to.toString()

  for (const check of checks) {
    const found = check(scope, to, mover)
    const scopes = Array.isArray(found)
    const refusal = mover.refuse(scopes ? makeRoom(mover, found, scope) : found, scope, joining)

    // who was told may have ended it, and what gave way may have taken it along
    if (refusal === undefined || scopes) {
      assertOpen(scope)
    }

    if (refusal !== undefined) {
      return refusal
    }
  }
}

function makeRoom (mover: Mover, scopes: AggregateScope[], scope: Moving): Refusal | undefined {
  const find = (): Refusal | undefined => {
    const full = scopes.find(into => !scope.fitsInto(into))

    return full && findMoveRefusal(full, { ...scope.usage, memory: scope.reserved })
  }

  return mover.makeRoom(find(), scope, find)
}
