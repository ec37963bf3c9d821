import { resolveParsed } from '../limits/build-limits.ts'
import { isSameForPeers } from '../limits/concrete-limits.ts'
import { UNLIMITED } from '../limits/limit.ts'
import { ConcreteLimiter, isPlain } from '../limits/limiter.ts'
import { limitPath } from '../limits/setting.ts'
import { allScopes, sharedScopes } from './all-scopes.ts'
import { limitOf } from './limit-of.ts'
import type { AggregateScope } from './aggregate-scope.ts'
import type { LimitCap } from './limit-cap.ts'
import type { Limited } from './limit-of.ts'
import type { ScopeKind } from './scope-kind.ts'
import type { ScopePair } from './scope-pair.ts'
import type { Limit } from '../limits/limit.ts'
import type { Limiter } from '../limits/limiter.ts'
import type { SettingPath } from '../limits/setting.ts'
import type { Slice } from '../util/slices.ts'
import type { PeerId } from '@libp2p/interface'

/**
 * The part of the graph that knows limits: which one each scope has, and how limits change at run
 * time
 */
export abstract class LimitedGraph {
  /**
   * The limits of single connections and streams, if the configuration has one for all of them
   */
  connLimit: Readonly<Limit> = UNLIMITED
  streamLimit: Readonly<Limit> = UNLIMITED

  /** Set if other nodes share the limits */
  limitCap?: LimitCap = undefined

  abstract readonly normal: ScopePair
  abstract readonly allowlisted: ScopePair
  abstract readonly services: { values(): Iterable<AggregateScope> }
  abstract readonly protocols: { values(): Iterable<AggregateScope> }
  abstract readonly peers: { values(): Iterable<AggregateScope> }
  abstract readonly idle: { held: number }

  #limiter: Limiter

  /** Whether some peers still have the limits of an earlier limiter */
  #peersBehind = false

  constructor (limiter: Limiter) {
    this.#limiter = limiter
    this.#readSharedLimits()
  }

  get limiter (): Limiter {
    return this.#limiter
  }

  /**
   * Where the configuration has the limit of a scope, if there is a configuration
   *
   * @param kind - the kind of the scope
   * @param name - the service, the protocol or the id of the peer
   */
  limitPath (kind: ScopeKind, name: string = ''): SettingPath | undefined {
    return this.#limiter instanceof ConcreteLimiter ? limitPath(this.#limiter, kind, name) : undefined
  }

  /**
   * Applies new limits to all scopes. What is held stays, even if it exceeds the new limits. If the
   * limiter throws, nothing has changed.
   *
   * There may be very many peers, so they get their limits in slices. All other scopes, and new
   * peers, have them after the first slice. A limiter that computes limits is asked for all at once,
   * because it may throw.
   *
   * @param limiter
   * @param keep - whether limits that `setLimit` has set stay
   * @param slice
   */
  * changeLimiter (limiter: Limiter, keep: boolean, slice: Slice): Generator<undefined, void, undefined> {
    const before = this.#limiter
    const inSlices = isPlain(limiter)
    const limits = Array.from(inSlices ? sharedScopes(this) : allScopes(this), scope => ({ scope, limit: limitOf(limiter, scope) }))

    this.#limiter = limiter

    if (!keep) {
      // at once and not in slices: what is set from now on must stay
      for (const scope of allScopes(this)) {
        scope.ownLimits = undefined
      }
    }

    this.#readSharedLimits()
    limits.forEach(({ limit, scope }) => { this.#setConfigured(scope, limit) })

    if (!inSlices) {
      this.#peersBehind = false
      return
    }

    if (!this.#peersBehind && keep && isPlain(before) && isSameForPeers(before.config, limiter.config)) {
      return
    }

    this.#peersBehind = true

    for (const peer of this.peers.values()) {
      // there are newer limits
      if (this.#limiter !== limiter) {
        return
      }

      this.#setConfigured(peer, limitOf(limiter, peer))

      for (let child = peer.firstChild; child !== undefined; child = child.nextSibling) {
        this.#setConfigured(child, limitOf(limiter, child))
      }

      if (slice.over) {
        yield
      }
    }

    if (this.#limiter === limiter) {
      this.#peersBehind = false
    }
  }

  /**
   * Gives a scope its limit of the configuration. What `setLimit` has set on it has precedence.
   */
  #setConfigured (scope: AggregateScope, limit: Readonly<Limit>): void {
    if (scope.closed) {
      return
    }

    scope.limit = scope.ownLimits === undefined ? limit : resolveParsed(scope.ownLimits, limit)
    this.limitCap?.limitChanged(scope)
    scope.queueIfIdle()
  }

  /**
   * Collects nothing meanwhile: a limiter of the user's may call the graph
   */
  protected limitOf (init: Limited): Readonly<Limit> {
    this.idle.held++

    try {
      return limitOf(this.#limiter, init)
    } finally {
      this.idle.held--
    }
  }

  /**
   * A plain configuration has one limit for all connections and one for all streams, so these follow
   * it when it changes. A limiter that computes limits is asked for each connection and stream.
   */
  #readSharedLimits (): void {
    if (this.#limiter instanceof ConcreteLimiter) {
      this.connLimit = this.#limiter.config.conn
      this.streamLimit = this.#limiter.config.stream
    }
  }

  protected ownConnLimit (): Readonly<Limit> | undefined {
    return this.#limiter instanceof ConcreteLimiter ? undefined : this.#limiter.getConnLimits()
  }

  protected ownStreamLimit (peer: PeerId): Readonly<Limit> | undefined {
    if (this.#limiter instanceof ConcreteLimiter) {
      return
    }

    this.idle.held++

    try {
      return this.#limiter.getStreamLimits(peer)
    } finally {
      this.idle.held--
    }
  }
}
