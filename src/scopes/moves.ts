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
 * The checks before a move, in their order. Only this file has the order: refused moves and
 * `explain` ask the same lists.
 *
 * Nearly always a move fits, and then the order does not matter. So `trySetPeer` and the like first
 * check, without a list, whether anything refuses at all.
 */

/**
 * A connection or stream that moves
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
 * Has the scopes that something can move to
 */
export interface Destinations {
  getPeer(peer: PeerId): AggregateScope
  getProtocol(protocol: string): AggregateScope
  getService(service: string): AggregateScope
  getPeerChild(peerScope: AggregateScope, whole: AggregateScope): PeerShareScope
}

/**
 * What moves something: the graph, which makes missing scopes, or `explain`, which only imagines
 * the move
 */
export interface Mover extends Destinations {
  /**
   * Lets others give way to something that does not fit
   */
  makeRoom(refusal: Refusal | undefined, newcomer: OwnedScope, check: () => Refusal | undefined): Refusal | undefined

  /**
   * Counts and reports a refusal. Answers nothing if limits are not enforced.
   */
  refuse(refusal: Refusal | undefined, requester: Moving, joining: string): Refusal | undefined
}

/**
 * One check of a move. It answers with the refusal of a rule, which is not counted yet, or with the
 * scopes that must have room for all that moves, in the order in which they are asked.
 */
export type MoveCheck<S, T> = (scope: S, to: T, at: Destinations) => Refusal | AggregateScope[] | undefined

/**
 * A connection moves to its peer
 */
export const TO_PEER: ReadonlyArray<MoveCheck<MovingConnection, PeerId>> = [
  findBan,
  ofPair('scopesToReturnTo'),
  (_, peer, at) => [at.getPeer(peer)],
  ofPair('findLeaving')
]

/**
 * A stream moves to its protocol
 */
export const TO_PROTOCOL: ReadonlyArray<MoveCheck<Joining, string>> = [
  groupAndShare('getProtocol')
]

/**
 * Either moves to a service
 */
export const TO_SERVICE: ReadonlyArray<MoveCheck<Joining, string>> = [
  findGated,
  groupAndShare('getService')
]

/**
 * For a connection that may not stay in the allowlisted pair
 */
function ofPair (find: 'scopesToReturnTo' | 'findLeaving'): MoveCheck<MovingConnection, PeerId> {
  return (connection, peer, at) => connection.graph.admission?.[find](connection, peer, (at as object) === connection.graph)
}

/**
 * The whole protocol or service, then the share that the peer has of it
 */
function groupAndShare (get: 'getProtocol' | 'getService'): MoveCheck<Joining, string> {
  return ({ peerScope }, name, at) => {
    const whole = at[get](name)

    return [whole, at.getPeerChild(peerScope as AggregateScope, whole)]
  }
}

/**
 * Why a connection must not have this peer, if it is banned
 */
export function findBan ({ endpoint, graph: { bans }, inbound }: MovingConnection, peer: PeerId): Refusal | undefined {
  return bans?.findPeer(inbound ? 'inbound' : 'outbound', peer, endpoint)
}

/**
 * Why something may not join a service although the scopes have room, if so
 */
export function findGated (scope: Joining, service: string): Refusal | undefined {
  return scope.graph.serviceGate?.findRefusal(scope, service)
}

/**
 * Runs the checks of a move, lets others give way, and answers with the first refusal that is left,
 * if any
 *
 * @throws {ResourceScopeClosedError} If what moves was ended meanwhile
 */
export function refuseMove <S extends Moving, T extends PeerId | string> (mover: Mover, checks: ReadonlyArray<MoveCheck<S, T>>, scope: S, to: T): Refusal | undefined {
  const joining = to.toString()

  for (const check of checks) {
    const found = check(scope, to, mover)
    const scopes = Array.isArray(found)
    const refusal = mover.refuse(scopes ? makeRoom(mover, found, scope) : found, scope, joining)

    // an observer may have ended it, or it ended together with what gave way
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
