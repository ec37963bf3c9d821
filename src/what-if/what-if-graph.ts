import { ConcreteLimiter } from '../limits/limiter.ts'
import { findRefusal } from '../manager/opening.ts'
import { AggregateScope } from '../scopes/aggregate-scope.ts'
import { DefaultConnectionScope } from '../scopes/connection-scope.ts'
import { MovableScope } from '../scopes/movable-scope.ts'
import { ScopeGraph } from '../scopes/scope-graph.ts'
import { ServiceSpanScope } from '../scopes/service-span-scope.ts'
import { SpanScope } from '../scopes/span-scope.ts'
import { DefaultStreamScope } from '../scopes/stream-scope.ts'
import { atOnce } from '../util/slices.ts'
import type { ConcreteLimitConfig } from '../limits/limit-config.ts'
import type { GraphTracer } from '../scopes/graph-tracer.ts'
import type { OwnedScope } from '../scopes/owned-scope.ts'
import type { MessageStreamDirection, PeerId } from '@libp2p/interface'
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
export class WhatIfGraph<K> {
  readonly graph: ScopeGraph
  readonly #scopes = new Map<K, OwnedScope>()

  /**
   * What is open in the other graph and was refused here
   */
  readonly #absent = new Set<K>()

  /**
   * How many connections that were refused here a peer has in the other graph, by its id
   */
  readonly #absentOf = new Map<string, number>()
  readonly #peerOfAbsent = new Map<K, string>()

  /**
   * How much memory scopes hold in the other graph that was refused here, in bytes
   */
  readonly #missing = new WeakMap<object, number>()

  /**
   * Whether the connection whose peer is being set stays in the allowlisted pair
   */
  #stays = false

  constructor (limits: ConcreteLimitConfig, onRefusal: (refusal: Refused) => void) {
    this.graph = new ScopeGraph({
      limiter: new ConcreteLimiter(limits),
      enforce: true,
      captureStackTraces: false,
      observer: { onRefusal, onEviction: () => {}, onOverRelease: () => {} }
    })

    this.graph.admission = {
      staysAllowlisted: () => this.#stays,
      prove: () => undefined,
      trusts: () => false,
      isShared: () => false,
      findProvers: () => undefined,
      enterAllowlist: () => {},
      leaveAllowlist: () => undefined,
      leave: () => {}
    }
  }

  /**
   * How many connections, streams and spans of the other graph are known, whether they are
   * here or were refused
   */
  get size (): number {
    return this.#scopes.size + this.#absent.size
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
    return this.#scopes.has(key) || this.#absent.has(key)
  }

  get (key: K): OwnedScope | undefined {
    return this.#scopes.get(key)
  }

  /**
   * Two of the other graph were taken for each other
   */
  swap (a: K, b: K): void {
    const exchange = <V> (map: Map<K, V>): void => {
      const ofA = map.get(a)
      const ofB = map.get(b)

      map.delete(a)
      map.delete(b)

      if (ofA !== undefined) {
        map.set(b, ofA)
      }

      if (ofB !== undefined) {
        map.set(a, ofB)
      }
    }

    const wasAbsent = [this.#absent.delete(a), this.#absent.delete(b)]

    if (wasAbsent[0]) {
      this.#absent.add(b)
    }

    if (wasAbsent[1]) {
      this.#absent.add(a)
    }

    exchange(this.#scopes)
    exchange(this.#peerOfAbsent)
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

    const opened = connection === undefined ? undefined : this.#scopes.get(connection)
    const stream = graph.newStream(peer, directionOf(inbound), opened)

    return this.#open(key, stream, trusted ? () => { stream.pair = graph.allowlisted; return stream } : undefined, cost, isOpen)
  }

  #open (key: K | undefined, scope: DefaultConnectionScope | DefaultStreamScope, retry: (() => typeof scope) | undefined, cost: number, isOpen: boolean): boolean {
    let opened = scope
    let refusal = findRefusal(opened, cost)

    if (refusal != null && retry !== undefined) {
      opened = retry()
      refusal = findRefusal(opened, cost)
    }

    if (this.graph.refuse(refusal) != null) {
      this.#remember(key, isOpen)

      return false
    }

    if (isOpen && key !== undefined) {
      opened.memory = cost
      opened.enter()
      this.#scopes.set(key, opened)
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

    if (!this.#absentOf.has(id)) {
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
    const scope = owner instanceof AggregateScope ? owner : this.#scopes.get(owner)

    if (scope === undefined || scope.closed) {
      this.#absent.add(key)
    } else if (scope instanceof AggregateScope) {
      this.#scopes.set(key, scope.beginSpan() as SpanScope)
    } else {
      this.#scopes.set(key, scope.beginSpan() as SpanScope)
    }
  }

  openService (key: K, service: string): void {
    this.#scopes.set(key, this.graph.openService(service))
  }

  // what moves. What is refused is gone: nobody keeps a stream that has no protocol.

  /**
   * @param key
   * @param peer
   * @param stays - whether it is in the allowlisted pair after this
   * @param isRefused - whether it was refused in the other graph, and is closed next
   */
  setPeer (key: K, peer: PeerId, stays: boolean, isRefused = false): boolean {
    const scope = this.#scopes.get(key)

    if (!(scope instanceof DefaultConnectionScope)) {
      if (this.#absent.has(key) && !isRefused) {
        this.#countAbsent(key, peer.toString())
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
      this.#countAbsent(key, peer.toString())
    }

    return fits
  }

  setProtocol (key: K, protocol: string, isRefused = false): boolean {
    const scope = this.#scopes.get(key)

    if (!(scope instanceof DefaultStreamScope)) {
      return false
    }

    return scope.protocolPeer !== undefined || this.#stay(key, scope, scope.trySetProtocol(protocol) == null, isRefused)
  }

  setService (key: K, service: string, isRefused = false): boolean {
    const scope = this.#scopes.get(key)

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
    this.#scopes.delete(key)
    this.#absent.add(key)
  }

  #countAbsent (key: K, peer: string): void {
    this.#peerOfAbsent.set(key, peer)
    this.#absentOf.set(peer, (this.#absentOf.get(peer) ?? 0) + 1)
  }

  // memory, and what services hold themselves

  /**
   * @param scope - where it is reserved: something that was opened, or a scope that all share
   * @param size - in bytes
   * @param priority
   * @param isHeld - `false` if it was refused in the other graph
   */
  reserveMemory (scope: K | AggregateScope, size: number, priority: number, isHeld = true): boolean {
    const holder = this.#holder(scope)

    if (holder === undefined) {
      return false
    }

    if (!isHeld) {
      return this.#fitsMemory(holder, size, priority)
    }

    if (isOrphan(holder)) {
      return false
    }

    if (holder.tryReserveMemory(size, priority) == null) {
      return true
    }

    this.#missing.set(holder, (this.#missing.get(holder) ?? 0) + size)

    return false
  }

  #fitsMemory (holder: OwnedScope | AggregateScope, size: number, priority: number): boolean {
    const full = holder.firstWithoutMemory(size, priority)

    if (full == null) {
      return true
    }

    // a span whose owner is gone still has a limit of its own
    if (!full.closed) {
      this.graph.refuseMemory(holder, size, priority)
    }

    return false
  }

  releaseMemory (scope: K | AggregateScope, size: number): void {
    const holder = this.#holder(scope)

    if (holder === undefined) {
      return
    }

    const missing = this.#missing.get(holder) ?? 0
    const kept = Math.max(0, size - missing)

    if (missing > 0) {
      this.#missing.set(holder, missing - (size - kept))
    }

    holder.releaseMemory(Math.min(kept, holder.ownMemory))
  }

  /**
   * There is more in the buffers of something or, below 0, less
   */
  addBuffers (key: K, size: number): void {
    const scope = this.#scopes.get(key)

    if (scope instanceof MovableScope) {
      scope.addBuffers(size < 0 ? -Math.min(-size, scope.buffers) : size)
    }
  }

  /**
   * A service holds one stream more itself
   *
   * @param key
   * @param inbound
   * @param isHeld - `false` if it was refused in the other graph
   */
  reserveStream (key: K, inbound: boolean, isHeld = true): boolean {
    const fits = attempt(this.#serviceSpan(key), span => { span.reserveStream(directionOf(inbound)) })

    if (fits && !isHeld) {
      this.releaseStream(key, inbound)
    }

    return fits
  }

  releaseStream (key: K, inbound: boolean): void {
    this.#serviceSpan(key)?.releaseStream(directionOf(inbound))
  }

  reserveConnection (key: K, inbound: boolean, usefd: boolean, isHeld = true): boolean {
    const fits = attempt(this.#serviceSpan(key), span => { span.reserveConnection(directionOf(inbound), usefd) })

    if (fits && !isHeld) {
      this.releaseConnection(key, inbound, usefd)
    }

    return fits
  }

  releaseConnection (key: K, inbound: boolean, usefd: boolean): void {
    this.#serviceSpan(key)?.releaseConnection(directionOf(inbound), usefd)
  }

  /**
   * It was closed in the other graph
   */
  close (key: K): void {
    const scope = this.#scopes.get(key)

    scope?.done()
    this.#scopes.delete(key)
    this.#absent.delete(key)

    const peer = this.#peerOfAbsent.get(key)

    if (peer !== undefined) {
      const left = (this.#absentOf.get(peer) ?? 1) - 1

      this.#peerOfAbsent.delete(key)
      left === 0 ? this.#absentOf.delete(peer) : this.#absentOf.set(peer, left)
    }
  }

  #serviceSpan (key: K): ServiceSpanScope | undefined {
    const scope = this.#scopes.get(key)

    return scope instanceof ServiceSpanScope ? scope : undefined
  }

  #holder (scope: K | AggregateScope): OwnedScope | AggregateScope | undefined {
    const holder = scope instanceof AggregateScope ? scope : this.#scopes.get(scope)

    return holder === undefined || holder.closed ? undefined : holder
  }
}

function directionOf (inbound: boolean): MessageStreamDirection {
  return inbound ? 'inbound' : 'outbound'
}

/**
 * Whether it is a span of what was refused here after the span was opened
 */
function isOrphan (scope: OwnedScope | AggregateScope): boolean {
  return scope instanceof SpanScope && (scope.owner.closed || isOrphan(scope.owner))
}

/**
 * What a service holds itself can only be asked for by what throws. Who is refused has been told
 * of already.
 */
function attempt (span: ServiceSpanScope | undefined, reserve: (span: ServiceSpanScope) => void): boolean {
  if (span === undefined) {
    return false
  }

  try {
    reserve(span)

    return true
  } catch (err: any) {
    if (err.name !== 'StreamLimitExceededError' && err.name !== 'ConnectionLimitExceededError') {
      throw err
    }

    return false
  }
}
