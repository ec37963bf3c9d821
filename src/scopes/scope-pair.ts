import type { AggregateScope } from './aggregate-scope.ts'
import type { Refusal } from './refusal.ts'
import type { PeerId } from '@libp2p/interface'

/**
 * The two scopes that every connection and stream begins in. There are three pairs: the normal one,
 * the allowlisted one for trusted remotes if the normal one is full, and a mixed one for connections
 * that still have to prove that they are trusted.
 */
export interface ScopePair {
  readonly system: AggregateScope
  readonly transient: AggregateScope
  readonly allowlisted: boolean
}

export interface PairedConnection {
  readonly graph: {
    readonly normal: ScopePair
    readonly allowlisted: ScopePair
    readonly proving: ScopePair
    provers: number
  }
  readonly inbound: boolean
  pair: ScopePair

  addTo(scope: AggregateScope): void
  removeFrom(scope: AggregateScope): void
}

/**
 * Decides, once the peer of a connection is known, whether it may stay out of the normal pair
 */
export interface PairGate {
  /**
   * The scopes that a connection must fit into if it may not stay in the allowlisted system. None if
   * it may stay.
   */
  scopesToReturnTo(connection: PairedConnection, peer: PeerId): AggregateScope[]

  /**
   * Why a connection that may not stay in the allowlisted system cannot leave it although the scopes
   * have room, if so. Counts nothing.
   *
   * @param connection
   * @param peer
   * @param moves - whether it really moves. Then a fleet may be asked for more room.
   */
  findLeaving(connection: PairedConnection, peer: PeerId, moves: boolean): Refusal | undefined

  /**
   * Moves the connection to the pair that it belongs to
   *
   * @param connection - one that is not in the normal pair
   * @param leaves - whether it may not stay in the allowlisted system
   */
  changePair(connection: PairedConnection, leaves: boolean): void
}

/**
 * The scopes, beside its peer, that a connection must fit into to move to the normal pair.
 *
 * A connection from the allowlisted pair must fit into transient too. It was admitted because of its
 * address, but its peer is not the one that the allowlist names: an address alone must not be a way
 * around transient. A connection that had to prove that it is trusted is in transient already.
 */
export function scopesOfNormal ({ graph: { normal }, pair }: PairedConnection): AggregateScope[] {
  if (pair === normal) {
    return []
  }

  return pair.allowlisted ? [normal.system, normal.transient] : [normal.system]
}

/**
 * Counts inbound connections that have to prove that they are trusted
 */
export function countProver ({ graph, inbound, pair }: PairedConnection, difference: 1 | -1): void {
  if (inbound && pair === graph.proving) {
    graph.provers += difference
  }
}

/**
 * Moves a connection to the normal pair, or to the allowlisted one
 *
 * @param connection - one that is not in the normal pair
 * @param leaves - whether it may not stay in the allowlisted system
 */
export function changePair (connection: PairedConnection, leaves: boolean): void {
  const { graph, pair } = connection

  countProver(connection, -1)

  if (leaves) {
    connection.removeFrom(pair.system)
    connection.addTo(graph.normal.system)
  }

  connection.pair = leaves ? graph.normal : graph.allowlisted
}
