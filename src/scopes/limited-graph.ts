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
 * What of a graph is about limits: which apply to its scopes, and how they change while there are
 * scopes
 */
export abstract class LimitedGraph {
  /**
   * What connections and streams are checked against themselves, where the
   * configuration says it for all of them
   */
  connLimit: Readonly<Limit> = UNLIMITED
  streamLimit: Readonly<Limit> = UNLIMITED

  /** Set where limits are shared with other nodes */
  limitCap?: LimitCap = undefined

  abstract readonly normal: ScopePair
  abstract readonly allowlisted: ScopePair
  abstract readonly services: { values(): Iterable<AggregateScope> }
  abstract readonly protocols: { values(): Iterable<AggregateScope> }
  abstract readonly peers: { values(): Iterable<AggregateScope> }
  abstract readonly idle: { held: number }

  #limiter: Limiter

  /** Whether peers are still to get limits, so that the limiter does not say which they have */
  #peersBehind = false

  constructor (limiter: Limiter) {
    this.#limiter = limiter
    this.#readSharedLimits()
  }

  get limiter (): Limiter {
    return this.#limiter
  }

  /**
   * The part of the configuration that the limit of a scope is from, where there is
   * a configuration
   *
   * @param kind - the kind of the scope
   * @param name - the name of the service, the protocol or the peer id
   */
  limitPath (kind: ScopeKind, name: string = ''): SettingPath | undefined {
    return this.#limiter instanceof ConcreteLimiter ? limitPath(this.#limiter, kind, name) : undefined
  }

  /**
   * Applies other limits to everything that exists. What is held stays, even where it is more
   * than the new limits allow. Where the limiter throws, nothing has changed.
   *
   * Peers that there are get their limits in slices, where the work is done in slices. All
   * others have them at the end of the first one, and so have all that come. A limiter that
   * computes is asked in one piece, because it may throw.
   *
   * @param limiter
   * @param keep - Whether what was set on a scope stays
   * @param slice
   */
  * changeLimiter (limiter: Limiter, keep: boolean, slice: Slice): Generator<undefined, void, undefined> {
    const before = this.#limiter
    const inSlices = isPlain(limiter)
    const limits = Array.from(inSlices ? sharedScopes(this) : allScopes(this), scope => ({ scope, limit: limitOf(limiter, scope) }))

    this.#limiter = limiter

    if (!keep) {
      // of all at once: what is set on a scope from now on stays
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
      // somebody has set others
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
   * Gives a scope the limit of the configuration, under what was set on the scope itself
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
   * A limiter of somebody else may do anything
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
   * A list of limits has the same for all connections and streams, and so they
   * follow it when it changes. A limiter that computes is asked for each of them.
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
