/**
 * What other limits would have refused: the shadow of a running node, and traces that are replayed.
 *
 * In: what happens in another graph, one event after the other, and the limits to try.
 * Out: what they would have refused, and what scopes would have held.
 * Fails: limits that cannot be used are an `InvalidParametersError`. A shadow that fails is logged
 * and counts nothing any more; the node does not notice. Lines that are no events are skipped and
 * counted, and a file without events is an `InvalidParametersError`.
 * Costs: as much as the other graph, once more. Nothing where there is no shadow.
 */

import { ConcreteLimiter } from '../limits/limiter.ts'
import { AggregateScope } from '../scopes/aggregate-scope.ts'
import { DefaultConnectionScope } from '../scopes/connection-scope.ts'
import { MovableScope } from '../scopes/movable-scope.ts'
import { ScopeGraph } from '../scopes/scope-graph.ts'
import { changePair, scopesOfNormal } from '../scopes/scope-pair.ts'
import { SpanScope } from '../scopes/span-scope.ts'
import { DefaultStreamScope } from '../scopes/stream-scope.ts'
import { atOnce } from '../util/slices.ts'
import { AbsentScopes, exchange } from './absent-scopes.ts'
import { HeldScopes, directionOf } from './held-scopes.ts'
import type { ConcreteLimitConfig } from '../limits/limit-config.ts'
import type { GraphTracer } from '../scopes/graph-tracer.ts'
import type { OwnedScope } from '../scopes/owned-scope.ts'
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * What a graph says about what it refuses
 */
export type Refused = Parameters<GraphTracer['refused']>[0]

/**
 * A connection or stream that is opened
 */
interface Opening {
  inbound: boolean

  /** The memory that it reserves for itself when it is opened, in bytes */
  cost: number

  /** Whether it may use the allowlisted pair of scopes */
  trusted: boolean
}

export interface ConnectionOpening extends Opening {
  usefd: boolean
  endpoint?: Multiaddr
}

export interface StreamOpening<K> extends Opening {
  peer: PeerId

  /** The connection that it is opened on, if that is known */
  connection?: K
}

/**
 * A graph of scopes that is told what happens in another one, has limits of its own, and
 * refuses for itself what does not fit into them.
 *
 * What is refused here is not here: neither what it would have held, nor the streams of a
 * connection that was refused, nor what a stream would have held after it was refused by its
 * protocol. Of a scope that was refused memory, what it gives back first is taken to be that.
 *
 * @template K - what identifies scopes of the other graph
 */
export class WhatIfGraph<K> extends HeldScopes<K> {
  readonly #absent = new AbsentScopes<K>()

  /**
   * Whether the connection whose peer is being set stays in the allowlisted pair
   */
  #stays = false

  constructor (limits: ConcreteLimitConfig, onRefusal: (refusal: Refused) => void) {
    super(new ScopeGraph({
      limiter: new ConcreteLimiter(limits),
      enforce: true,
      captureStackTraces: false,
      observer: { onRefusal, onEviction: () => {}, onOverRelease: () => {} }
    }))

    this.graph.admission = {
      staysAllowlisted: () => this.#stays,
      scopesToReturnTo: connection => this.#stays ? [] : scopesOfNormal(connection),
      prove: () => undefined,
      trusts: () => false,
      isShared: () => false,
      findProvers: () => undefined,
      findLeaving: () => undefined,
      changePair,
      leave: () => {}
    }
  }

  /**
   * How many connections, streams and spans of the other graph are known, whether they are
   * here or were refused
   */
  get size (): number {
    return this.scopes.size + this.#absent.size
  }

  get limits (): ConcreteLimitConfig {
    return (this.graph.limiter as ConcreteLimiter).config
  }

  set limits (limits: ConcreteLimitConfig) {
    atOnce(slice => this.graph.changeLimiter(new ConcreteLimiter(limits), false, slice))
  }

  /**
   * Whether a connection, stream or span is open in the other graph
   */
  knows (key: K): boolean {
    return this.scopes.has(key) || this.#absent.has(key)
  }

  get (key: K): OwnedScope | undefined {
    return this.scopes.get(key)
  }

  /**
   * Two of the other graph were taken for each other
   */
  swap (a: K, b: K): void {
    this.#absent.swap(a, b)
    exchange(this.scopes, a, b)
  }

  // what is opened

  // `isOpen` is false for what was refused in the other graph: then it is only looked at
  // whether it would be here too. All of these say whether it fits.

  openConnection (key: K | undefined, { endpoint, inbound, trusted, usefd, cost }: ConnectionOpening, isOpen = true): boolean {
    const { graph } = this
    const make = (pair = graph.normal): DefaultConnectionScope => graph.newConnection(directionOf(inbound), usefd, pair, endpoint)

    return this.#open(key, make(), trusted ? () => make(graph.allowlisted) : undefined, cost, isOpen)
  }

  /**
   * The same for a stream. Where its connection was refused it is not here, and nothing
   * refuses it.
   */
  openStream (key: K | undefined, { connection, inbound, peer, trusted, cost }: StreamOpening<K>, isOpen = true): boolean {
    const { graph } = this

    if (this.#isUnreachable(peer, connection)) {
      this.#remember(key, isOpen)

      return false
    }

    const opened = connection === undefined ? undefined : this.scopes.get(connection)
    const stream = graph.newStream(peer, directionOf(inbound), opened)

    return this.#open(key, stream, trusted ? () => { stream.pair = graph.allowlisted; return stream } : undefined, cost, isOpen)
  }

  #open (key: K | undefined, scope: DefaultConnectionScope | DefaultStreamScope, retry: (() => typeof scope) | undefined, cost: number, isOpen: boolean): boolean {
    let opened = scope
    let refusal = opened.findRefusal(cost)

    if (refusal != null && retry !== undefined) {
      opened = retry()
      refusal = opened.findRefusal(cost)
    }

    if (this.graph.refuse(refusal) != null) {
      this.#remember(key, isOpen)

      return false
    }

    if (isOpen && key !== undefined) {
      opened.memory = cost
      opened.enter()
      this.scopes.set(key, opened)
    }

    return true
  }

  #remember (key: K | undefined, isOpen: boolean): void {
    if (isOpen && key !== undefined) {
      this.#absent.add(key)
    }
  }

  #isUnreachable (peer: PeerId, connection?: K): boolean {
    if (connection !== undefined && this.knows(connection)) {
      return this.#absent.has(connection)
    }

    const id = peer.toString()

    if (!this.#absent.hasConnectionOf(id)) {
      return false
    }

    const scope = this.graph.peers.get(id)

    return scope === undefined || scope.connsInbound + scope.connsOutbound === 0
  }

  /**
   * @param key
   * @param owner - what it is a span of: something that was opened, or a scope that all share
   */
  openSpan (key: K, owner: K | AggregateScope): void {
    const scope = owner instanceof AggregateScope ? owner : this.scopes.get(owner)

    if (scope === undefined || scope.closed) {
      this.#absent.add(key)
    } else if (scope instanceof AggregateScope) {
      this.scopes.set(key, scope.beginSpan() as SpanScope)
    } else {
      this.scopes.set(key, scope.beginSpan() as SpanScope)
    }
  }

  openService (key: K, service: string): void {
    this.scopes.set(key, this.graph.openService(service))
  }

  // what moves. What is refused is gone: nobody keeps a stream that has no protocol.

  /**
   * @param key
   * @param peer
   * @param stays - whether it is in the allowlisted pair after this
   * @param isRefused - whether it was refused in the other graph, and is closed next
   */
  setPeer (key: K, peer: PeerId, stays: boolean, isRefused = false): boolean {
    const scope = this.scopes.get(key)

    if (!(scope instanceof DefaultConnectionScope)) {
      if (this.#absent.has(key) && !isRefused) {
        this.#absent.countFor(key, peer.toString())
      }

      return false
    }

    if (scope.peerScope !== undefined) {
      return true
    }

    this.#stays = stays

    const fits = scope.trySetPeer(peer) == null

    if (!fits && !isRefused) {
      this.#drop(key, scope)
      this.#absent.countFor(key, peer.toString())
    }

    return fits
  }

  setProtocol (key: K, protocol: string, isRefused = false): boolean {
    const scope = this.scopes.get(key)

    if (!(scope instanceof DefaultStreamScope)) {
      return false
    }

    return scope.protocolPeer !== undefined || this.#stay(key, scope, scope.trySetProtocol(protocol) == null, isRefused)
  }

  setService (key: K, service: string, isRefused = false): boolean {
    const scope = this.scopes.get(key)

    if (!(scope instanceof MovableScope) || scope.peerScope === undefined || (scope instanceof DefaultStreamScope && scope.protocolPeer === undefined)) {
      return false
    }

    return scope.servicePeer !== undefined || this.#stay(key, scope, scope.trySetService(service) == null, isRefused)
  }

  #stay (key: K, scope: OwnedScope, fits: boolean, isRefused: boolean): boolean {
    if (!fits && !isRefused) {
      this.#drop(key, scope)
    }

    return fits
  }

  #drop (key: K, scope: OwnedScope): void {
    scope.done()
    this.scopes.delete(key)
    this.#absent.add(key)
  }

  /**
   * It was closed in the other graph
   */
  close (key: K): void {
    const scope = this.scopes.get(key)

    scope?.done()
    this.scopes.delete(key)
    this.#absent.delete(key)
  }
}
