import type { AggregateScope } from './aggregate-scope.ts'
import type { Refusal } from './refusal.ts'
import type { PeerId } from '@libp2p/interface'

/**
 * The two scopes at the top of every connection and stream. There are the normal pair, one
 * for those who are trusted when the normal one is full, and one of both for connections that
 * have to prove first that they are.
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
 * Decides which connections may be in another pair than the normal one, now that their peer is known
 */
export interface PairGate {
  /**
   * The scopes that a connection must fit into because it may not stay in the allowlisted system, if so
   */
  scopesToReturnTo(connection: PairedConnection, peer: PeerId): AggregateScope[]

  /**
   * Why a connection that may not stay in the allowlisted system must not leave it, whatever the scopes
   * say, if so. Nothing is counted.
   *
   * @param connection
   * @param peer
   * @param moves - whether it is to leave now, so that more room may be asked for
   */
  findLeaving(connection: PairedConnection, peer: PeerId, moves: boolean): Refusal | undefined

  /**
   * The connection is in the pair from now on that it belongs to
   *
   * @param connection - one that is not in the normal pair
   * @param leaves - whether it may not stay in the allowlisted system
   */
  changePair(connection: PairedConnection, leaves: boolean): void
}

/**
 * What a connection must fit into to be in the normal pair, beside its peer.
 *
 * One that was let in because of its address, but whose peer is not the one that the allowlist
 * names, must fit into all of that pair, transient included: it should not get around
 * transient because it was almost allowlisted. One that was let in because its peer might
 * be trusted is in transient already.
 */
export function scopesOfNormal ({ graph: { normal }, pair }: PairedConnection): AggregateScope[] {
  if (pair === normal) {
    return []
  }

  return pair.allowlisted ? [normal.system, normal.transient] : [normal.system]
}

/**
 * Counts those whose peer may turn out to be trusted
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
