import { resolveParsed } from '../limits/build-limits.ts'
import { isSameForPeers } from '../limits/concrete-limits.ts'
import { UNLIMITED } from '../limits/limit.ts'
import { ConcreteLimiter, isPlain } from '../limits/limiter.ts'
import { limitField, limitPath } from '../limits/setting.ts'
import { PositionedList } from '../util/positioned-list.ts'
import { SplitMap } from '../util/split-map.ts'
import { withoutStackTrace } from '../util/without-stack-trace.ts'
import { AggregateScope } from './aggregate-scope.ts'
import { allScopes, sharedScopes } from './all-scopes.ts'
import { checkDirection, checkName, checkPeer } from './arguments.ts'
import { DefaultConnectionScope } from './connection-scope.ts'
import { EvictionCounts } from './evictions.ts'
import { findMemoryRefusal } from './find-refusal.ts'
import { IdleScopes } from './idle-scopes.ts'
import { limitOf } from './limit-of.ts'
import { addPeerChild, deletePeerChild, peerChildren, usePeerChild } from './peer-children.ts'
import { Rule, scopeClosedError } from './refusal.ts'
import { ServiceSpanScope } from './service-span-scope.ts'
import { SpanScope } from './span-scope.ts'
import { DefaultStreamScope } from './stream-scope.ts'
import type { AggregateScopeInit, PeerShareScope } from './aggregate-scope.ts'
import type { ScopePair } from './aggregate-scope.ts'
import type { BanGate } from './ban-gate.ts'
import type { ConnectionAdmission } from './connection-scope.ts'
import type { Eviction } from './evictions.ts'
import type { FairGroups } from './fair-groups.ts'
import type { GraphTracer } from './graph-tracer.ts'
import type { LimitCap } from './limit-cap.ts'
import type { PlacementObserver } from './movable-scope.ts'
import type { ServiceGate } from './movable-scope.ts'
import type { OwnedScope } from './owned-scope.ts'
import type { Refusal } from './refusal.ts'
import type { RoomMaker } from './room-maker.ts'
import type { ScopeKind } from './scope-kind.ts'
import type { SharedLimit } from './shared-limit.ts'
import type { ResourceLimitExceededError } from '../errors.ts'
import type { Limit } from '../limits/limit.ts'
import type { Limiter } from '../limits/limiter.ts'
import type { SettingPath } from '../limits/setting.ts'
import type { Slice } from '../util/slices.ts'
import type { MessageStreamDirection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * What the graph tells the outside. Every method must return quickly and must
 * not throw.
 */
export interface GraphObserver {
  /**
   * A request was refused or, where limits are not enforced, would have been
   */
  onRefusal(refusal: Refusal): void

  /**
   * Something gave way to somebody else or, where limits are not enforced, would have
   */
  onEviction(eviction: Eviction): void

  /**
   * Who asked for what is refused, for the error
   */
  requesterOf?(refusal: Refusal): object | undefined

  /**
   * More was released than was held
   */
  onOverRelease(scope: string, resource: string, released: number, held: number): void
}

export interface ScopeGraphInit {
  limiter: Limiter
  observer: GraphObserver

  /**
   * Whether what does not fit is refused, or only counted and reported
   */
  enforce: boolean

  /**
   * Whether errors carry a stack trace, which costs more than all the rest of a
   * refusal
   */
  captureStackTraces: boolean
}

/**
 * The graph of scopes: it makes the scopes, finds them by name and forgets those
 * that are idle.
 */
export class ScopeGraph {
  /**
   * What connections and streams are checked against themselves, where the
   * configuration says it for all of them
   */
  connLimit: Readonly<Limit> = UNLIMITED
  streamLimit: Readonly<Limit> = UNLIMITED

  admission?: ConnectionAdmission

  /** Set where somebody may be banned */
  bans?: BanGate = undefined
  serviceGate?: ServiceGate = undefined

  /** Set where limits are shared with other nodes */
  limitCap?: LimitCap = undefined
  tracer?: GraphTracer = undefined

  /**
   * Is told where connections and streams are, while something is full
   */
  placements?: PlacementObserver = undefined
  readonly normal: ScopePair
  readonly allowlisted: ScopePair

  /**
   * Of connections that may turn out to be trusted: their system is the allowlisted one until
   * their peer is known, and in transient they are like all others
   */
  readonly proving: ScopePair

  /**
   * How many inbound connections are in that pair
   */
  provers = 0
  readonly services = new Map<string, AggregateScope>()
  readonly protocols = new Map<string, AggregateScope>()
  readonly peers = new SplitMap<AggregateScope>()
  readonly connections = new PositionedList<DefaultConnectionScope>()
  readonly idle: IdleScopes
  readonly evictions = new EvictionCounts()

  /**
   * Who is asked, in this order, before something is refused. There is nobody in a graph
   * that no node uses.
   */
  readonly roomMakers: RoomMaker[] = []

  /** Set where what is full is shared by groups */
  groups?: FairGroups = undefined

  /**
   * Whether what does not fit is refused, or only counted and reported
   */
  readonly enforce: boolean

  #limiter: Limiter

  /** Whether peers are still to get limits, so that the limiter does not say which they have */
  #peersBehind = false
  readonly #observer: GraphObserver
  readonly #captureStackTraces: boolean
  #connections = 0
  #streams = 0

  constructor (init: ScopeGraphInit) {
    const { limiter } = init

    this.#limiter = limiter
    this.#readSharedLimits()
    this.#observer = init.observer
    this.enforce = init.enforce
    this.#captureStackTraces = init.captureStackTraces
    this.idle = new IdleScopes({
      collect: (scope) => { this.#collect(scope) }
    })

    const system = this.#make({ kind: 'system', key: '' })
    const transient = this.#make({ kind: 'transient', key: '', parent: system })
    const allowlistedSystem = this.#make({ kind: 'allowlistedSystem', key: '' })
    const allowlistedTransient = this.#make({ kind: 'allowlistedTransient', key: '', parent: allowlistedSystem })

    this.normal = { system, transient, allowlisted: false }
    this.allowlisted = { system: allowlistedSystem, transient: allowlistedTransient, allowlisted: true }
    this.proving = { system: allowlistedSystem, transient, allowlisted: false }
  }

  /**
   * From now on somebody follows what changes. There must be nothing in the graph yet
   * but the scopes that are always there.
   */
  startTracing (tracer: GraphTracer): void {
    for (const { system, transient } of [this.normal, this.allowlisted]) {
      tracer.created(system)
      tracer.created(transient)
    }

    this.tracer = tracer
  }

  // scopes by name, made when they are first asked for

  getService (service: string): AggregateScope {
    return this.services.get(service) ?? this.#add(this.services, { kind: 'service', key: service, parent: this.normal.system })
  }

  getProtocol (protocol: string): AggregateScope {
    return this.protocols.get(protocol) ?? this.#add(this.protocols, { kind: 'protocol', key: protocol, parent: this.normal.system })
  }

  getPeer (peer: PeerId): AggregateScope {
    const key = peer.toString()

    return this.peers.get(key) ?? this.#add(this.peers, { kind: 'peer', key, peer, parent: this.normal.system })
  }

  /**
   * The scope that a peer would have, with the limit of those that have none of their own where it is
   * nobody's. It is not in the graph.
   */
  imaginePeer (peer?: PeerId): AggregateScope {
    const init = { kind: 'peer', key: String(peer ?? ''), peer, parent: this.normal.system } as const

    return peer === undefined ? new AggregateScope(this, UNLIMITED, init) : this.#make(init)
  }

  /**
   * The share of a peer in a protocol or service. It has no parent: what it holds
   * is counted in the peer and in the group by its streams themselves.
   */
  getPeerChild (peerScope: AggregateScope, group: AggregateScope): PeerShareScope {
    let scope = usePeerChild(peerScope, group)

    if (scope == null) {
      scope = this.#make({
        kind: group.kind === 'protocol' ? 'protocolPeer' : 'servicePeer',
        key: peerScope.key,
        peerScope,
        group
      }) as PeerShareScope
      addPeerChild(scope)
      scope.queueIfIdle()
      this.tracer?.created(scope)
    }

    return scope
  }

  // what is opened

  /**
   * A connection that is not counted yet. It uses up a number even if it never is.
   */
  newConnection (direction: MessageStreamDirection, usefd: boolean, pair: ScopePair, endpoint?: Multiaddr): DefaultConnectionScope {
    return new DefaultConnectionScope(this, ++this.#connections, this.#ownConnLimit(), direction === 'inbound', usefd, pair, endpoint)
  }

  /**
   * A stream that is not counted yet. It uses up a number even if it never is.
   *
   * @param peer
   * @param direction
   * @param connection - what it is opened on: where that is open, the scope of its peer
   * is at hand
   */
  newStream (peer: PeerId, direction: MessageStreamDirection, connection?: object): DefaultStreamScope {
    checkPeer(peer)
    checkDirection(direction)

    const opened = connection instanceof DefaultConnectionScope ? connection : undefined
    const known = opened !== undefined && !opened.closed ? opened.peerScope : undefined
    const peerScope = known !== undefined && known.peer === peer ? known : this.getPeer(peer)

    return new DefaultStreamScope(this, ++this.#streams, this.#ownStreamLimit(peer), peerScope, direction === 'inbound', this.normal, opened)
  }

  openService (service: string): ServiceSpanScope {
    checkName('service', service)

    const scope = this.getService(service)
    scope.references++

    const span = new ServiceSpanScope(this, scope, ++scope.spans)

    this.#uncap(span)
    this.tracer?.created(span)

    return span
  }

  openSpan (owner: AggregateScope | OwnedScope, serial: number): SpanScope {
    const span = new SpanScope(this, owner, serial)

    this.#uncap(span)

    if (this.tracer !== undefined) {
      this.tracer.created(span)
    }

    return span
  }

  /**
   * A span may outlive what its owner may have just now
   */
  #uncap (span: SpanScope): void {
    if (this.limitCap !== undefined) {
      span.ownLimit = this.limitCap.uncapped(span.owner as AggregateScope) ?? span.ownLimit
    }
  }

  /**
   * Opens a connection for which the system has no room in the pair of those who may turn out to be
   * trusted, if it may be one
   */
  prove (refused: DefaultConnectionScope, cost: number): DefaultConnectionScope | undefined {
    return this.admission?.prove(refused, cost)
  }

  // what is refused

  get canMakeRoom (): boolean {
    return this.roomMakers.length > 0
  }

  /**
   * Lets others give way to something that does not fit
   *
   * @param refusal - why it does not fit, if so
   * @param newcomer - what does not fit
   * @param check - whether it still does not fit. It is called after each time that
   * something was ended.
   * @returns Why it does not fit now, if so
   */
  makeRoom (refusal: Refusal | undefined, newcomer: AggregateScope | OwnedScope, check: () => Refusal | undefined): Refusal | undefined {
    if (refusal == null) {
      return
    }

    this.idle.held++

    try {
      // a loop over an iterator takes several times as long, and refusals come in floods
      for (let i = 0; i < this.roomMakers.length; i++) {
        while (refusal != null && this.roomMakers[i].makeRoom(refusal, newcomer)) {
          refusal = check()
        }
      }
    } finally {
      this.idle.held--
    }

    return refusal
  }

  /**
   * Why memory cannot be reserved, if so, after whatever gives way has done so
   *
   * @throws {ResourceScopeClosedError} If one of the scopes is closed
   */
  refuseMemory (requester: AggregateScope | OwnedScope, size: number, priority: number): Refusal | undefined {
    const find = (): Refusal | undefined => {
      const scope = requester.firstWithoutMemory(size, priority)

      if (scope?.closed === true) {
        throw scopeClosedError(requester, scope)
      }

      return scope == null ? undefined : findMemoryRefusal(requester, scope, size, priority)
    }

    const refusal = this.refuse(this.makeRoom(find(), requester, find))

    // who was told may have ended it, where limits are not enforced
    if (requester.closed) {
      throw scopeClosedError(requester, requester)
    }

    return refusal
  }

  /**
   * Counts and reports what does not fit. The answer is what the caller has to
   * turn down: nothing where limits are not enforced.
   *
   * @param refusal
   * @param requester - what it was asked for, where the refusal does not know
   * @param joining - the peer, protocol or service that it was to become part of
   */
  refuse (refusal: Refusal | undefined, requester?: Refusal['requester'], joining?: string): Refusal | undefined {
    // nearly always, and this much is compiled into whoever calls it
    return refusal == null ? undefined : this.#refuse(refusal, requester, joining)
  }

  #refuse (refusal: Refusal, requester?: Refusal['requester'], joining?: string): Refusal | undefined {
    if (requester !== undefined) {
      refusal.requester = requester
      refusal.joining = joining
    }

    const { refuser } = refusal

    if (this.limitCap !== undefined) {
      refusal.shared ??= this.sharedLimit(refusal)
    }

    if (refuser instanceof AggregateScope) {
      refuser.refusals++
    } else if (refuser instanceof Rule && refuser.scope instanceof AggregateScope) {
      refuser.scope.refusals++
    }

    if (this.enforce) {
      this.#tell(refusal)

      return refusal
    }

    // what is refused is used after this
    this.idle.held++

    try {
      this.#tell(refusal)
    } finally {
      this.idle.held--
    }
  }

  /**
   * The limit of several nodes because of which something does not fit, if so
   */
  sharedLimit ({ direction, refuser, resource, shared }: Refusal): SharedLimit | undefined {
    return refuser instanceof AggregateScope ? this.limitCap?.sharedLimit(refuser, limitField(resource as 'connection', direction)) : shared
  }

  #tell (refusal: Refusal): void {
    this.#observer.onRefusal(refusal)
    this.bans?.refused(refusal)
    this.tracer?.refused(refusal)
  }

  /**
   * Counts and reports what gives way to somebody else
   */
  gaveWay (eviction: Eviction): void {
    this.evictions.add(eviction)
    this.#observer.onEviction(eviction)
    this.bans?.evicted(eviction)
    this.tracer?.evicted(eviction)
  }

  errorOf (refusal: Refusal): ResourceLimitExceededError {
    const error = this.#captureStackTraces ? refusal.toError() : withoutStackTrace(() => refusal.toError())

    return Object.assign(error, this.#observer.requesterOf?.(refusal))
  }

  reportOverRelease (scope: { name: string }, resource: string, released: number, held: number): void {
    this.#observer.onOverRelease(scope.name, resource, released, held)
  }

  // which limits apply

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

  #make (init: AggregateScopeInit): AggregateScope {
    return new AggregateScope(this, this.#limitOf(init), init)
  }

  /**
   * A limiter of somebody else may do anything
   */
  #limitOf (init: AggregateScopeInit): Readonly<Limit> {
    this.idle.held++

    try {
      return limitOf(this.#limiter, init)
    } finally {
      this.idle.held--
    }
  }

  #add (scopes: { set(key: string, scope: AggregateScope): unknown }, init: AggregateScopeInit): AggregateScope {
    const scope = this.#make(init)

    scopes.set(init.key, scope)
    this.limitCap?.limitChanged(scope)
    scope.queueIfIdle()
    this.tracer?.created(scope)

    return scope
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

  #ownConnLimit (): Readonly<Limit> | undefined {
    return this.#limiter instanceof ConcreteLimiter ? undefined : this.#limiter.getConnLimits()
  }

  #ownStreamLimit (peer: PeerId): Readonly<Limit> | undefined {
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

  #collect (scope: AggregateScope): void {
    // it may have gone with its peer already
    if (scope.closed) {
      return
    }

    scope.closed = true

    if (scope.group != null) {
      deletePeerChild(scope as PeerShareScope)
    } else if (scope.kind === 'peer') {
      this.peers.delete(scope.key)

      // they hold part of what the peer holds, which is nothing
      for (const child of [...peerChildren(scope)]) {
        this.#collect(child)
      }
    } else {
      this.protocols.delete(scope.key)
    }

    this.tracer?.destroyed(scope)
  }
}
