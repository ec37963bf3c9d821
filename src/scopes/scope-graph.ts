import { resolveParsed } from '../limits/build-limits.ts'
import { UNLIMITED } from '../limits/limit.ts'
import { ConcreteLimiter } from '../limits/limiter.ts'
import { limitPath } from '../limits/setting.ts'
import { withoutStackTrace } from '../without-stack-trace.ts'
import { AggregateNode } from './aggregate-node.ts'
import { allScopes } from './all-scopes.ts'
import { checkDirection, checkName, checkPeer } from './arguments.ts'
import { ConnectionNode } from './connection-node.ts'
import { EvictionCounts } from './evictions.ts'
import { IdleNodes } from './idle-nodes.ts'
import { limitOf } from './limit-of.ts'
import { addPeerChild, deletePeerChild, peerChildren, usePeerChild } from './peer-children.ts'
import { PositionedList } from './positioned-list.ts'
import { findMemoryShortage, Refusal, scopeClosedError } from './refusal.ts'
import { ServiceSpanNode } from './service-span-node.ts'
import { SpanNode } from './span-node.ts'
import { SplitMap } from './split-map.ts'
import { StreamNode } from './stream-node.ts'
import type { AggregateNodeInit, PeerChildNode } from './aggregate-node.ts'
import type { ScopePair } from './aggregate-node.ts'
import type { BanGate } from './ban-gate.ts'
import type { ConnectionAdmission } from './connection-node.ts'
import type { Eviction } from './evictions.ts'
import type { GraphTracer } from './graph-tracer.ts'
import type { ScopeFollower } from './movable-node.ts'
import type { ServiceGate } from './movable-node.ts'
import type { OwnedNode } from './owned-node.ts'
import type { AnyRefusal } from './refusal.ts'
import type { RoomMaker } from './room-maker.ts'
import type { ScopeKind } from './scope-kind.ts'
import type { ResourceLimitExceededError } from '../errors.ts'
import type { Limit } from '../limits/limit.ts'
import type { Limiter } from '../limits/limiter.ts'
import type { SettingPath } from '../limits/setting.ts'
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
  onRefusal(refusal: AnyRefusal): void

  /**
   * Something gave way to somebody else or, where limits are not enforced, would have
   */
  onEviction(eviction: Eviction): void

  /**
   * Who asked for what is refused, for the error
   */
  requesterOf?(refusal: AnyRefusal): object | undefined

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
 * The graph of scopes: it makes the nodes, finds them by name and forgets those
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
  tracer?: GraphTracer = undefined

  /**
   * Is told where connections and streams are, while something is full
   */
  follower?: ScopeFollower = undefined
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
  readonly services = new Map<string, AggregateNode>()
  readonly protocols = new Map<string, AggregateNode>()
  readonly peers = new SplitMap<AggregateNode>()
  readonly connections = new PositionedList<ConnectionNode>()
  readonly idle: IdleNodes
  readonly evictions = new EvictionCounts()

  /**
   * Who is asked, in this order, before something is refused. There is nobody in a graph
   * that no node uses.
   */
  readonly roomMakers: RoomMaker[] = []

  /**
   * Whether what does not fit is refused, or only counted and reported
   */
  readonly enforce: boolean

  #limiter: Limiter
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
    this.idle = new IdleNodes({
      collect: (node) => { this.#collect(node) }
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

  // nodes by name, made when they are first asked for

  getService (service: string): AggregateNode {
    return this.services.get(service) ?? this.#add(this.services, { kind: 'service', key: service, parent: this.normal.system })
  }

  getProtocol (protocol: string): AggregateNode {
    return this.protocols.get(protocol) ?? this.#add(this.protocols, { kind: 'protocol', key: protocol, parent: this.normal.system })
  }

  getPeer (peer: PeerId): AggregateNode {
    const key = peer.toString()

    return this.peers.get(key) ?? this.#add(this.peers, { kind: 'peer', key, peer, parent: this.normal.system })
  }

  /**
   * The share of a peer in a protocol or service. It has no parent: what it holds
   * is counted in the peer and in the group by its streams themselves.
   */
  getPeerChild (peerNode: AggregateNode, group: AggregateNode): PeerChildNode {
    let node = usePeerChild(peerNode, group)

    if (node == null) {
      node = this.#make({
        kind: group.kind === 'protocol' ? 'protocolPeer' : 'servicePeer',
        key: peerNode.key,
        peerNode,
        group
      }) as PeerChildNode
      addPeerChild(node)
      node.queueIfIdle()
      this.tracer?.created(node)
    }

    return node
  }

  // what is opened

  /**
   * A connection that is not counted yet. It uses up a number even if it never is.
   */
  newConnection (direction: MessageStreamDirection, usefd: boolean, pair: ScopePair, endpoint?: Multiaddr): ConnectionNode {
    return new ConnectionNode(this, ++this.#connections, this.#ownConnLimit(), direction === 'inbound', usefd, pair, endpoint)
  }

  /**
   * A stream that is not counted yet. It uses up a number even if it never is.
   *
   * @param peer
   * @param direction
   * @param connection - what it is opened on: where that is open, the node of its peer
   * is at hand
   */
  newStream (peer: PeerId, direction: MessageStreamDirection, connection?: object): StreamNode {
    checkPeer(peer)
    checkDirection(direction)

    const opened = connection instanceof ConnectionNode ? connection : undefined
    const known = opened !== undefined && !opened.closed ? opened.peerNode : undefined
    const peerNode = known !== undefined && known.peer === peer ? known : this.getPeer(peer)

    return new StreamNode(this, ++this.#streams, this.#ownStreamLimit(peer), peerNode, direction === 'inbound', this.normal, opened)
  }

  openService (service: string): ServiceSpanNode {
    checkName('service', service)

    const node = this.getService(service)
    node.references++

    const span = new ServiceSpanNode(this, node, ++node.spans)

    this.tracer?.created(span)

    return span
  }

  openSpan (owner: AggregateNode | OwnedNode, serial: number): SpanNode {
    const span = new SpanNode(this, owner, serial)

    if (this.tracer !== undefined) {
      this.tracer.created(span)
    }

    return span
  }

  // what is refused

  /**
   * Lets others give way to something that does not fit
   *
   * @param refusal - why it does not fit, if so
   * @param newcomer - what does not fit
   * @param check - whether it still does not fit. It is called after each time that
   * something was ended.
   * @returns Why it does not fit now, if so
   */
  makeRoom (refusal: Refusal | undefined, newcomer: AggregateNode | OwnedNode, check: () => Refusal | undefined): Refusal | undefined {
    if (refusal == null) {
      return
    }

    this.idle.held++

    try {
      for (const maker of this.roomMakers) {
        while (refusal != null && maker.makeRoom(refusal, newcomer)) {
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
  refuseMemory (asker: AggregateNode | OwnedNode, size: number, priority: number): Refusal | undefined {
    const find = (): Refusal | undefined => {
      const node = asker.firstWithoutMemory(size, priority)

      if (node?.closed === true) {
        throw scopeClosedError(asker, node)
      }

      return node == null ? undefined : findMemoryShortage(asker, node, size, priority)
    }

    const refusal = this.refuse(this.makeRoom(find(), asker, find))

    // who was told may have ended it, where limits are not enforced
    if (asker.closed) {
      throw scopeClosedError(asker, asker)
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
  refuse <R extends AnyRefusal> (refusal: R | undefined, requester?: AnyRefusal['requester'], joining?: string): R | undefined {
    // nearly always, and this much is compiled into whoever calls it
    return refusal == null ? undefined : this.#refuse(refusal, requester, joining)
  }

  #refuse <R extends AnyRefusal> (refusal: R, requester?: AnyRefusal['requester'], joining?: string): R | undefined {
    if (requester !== undefined) {
      refusal.requester = requester
      refusal.joining = joining
    }

    if (refusal instanceof Refusal && refusal.node instanceof AggregateNode) {
      refusal.node.refusals++
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

  #tell (refusal: AnyRefusal): void {
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

  errorOf (refusal: AnyRefusal): ResourceLimitExceededError {
    const error = this.#captureStackTraces ? refusal.toError() : withoutStackTrace(() => refusal.toError())

    return Object.assign(error, this.#observer.requesterOf?.(refusal))
  }

  reportOverRelease (node: { name: string }, resource: string, released: number, held: number): void {
    this.#observer.onOverRelease(node.name, resource, released, held)
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
   * Applies other limits to everything that exists, at once. What is held stays,
   * even where it is more than the new limits allow. Where the limiter throws, nothing has changed.
   *
   * @param limiter
   * @param keep - Whether what was set on a scope stays
   */
  setLimiter (limiter: Limiter, keep: boolean): void {
    const limits = Array.from(allScopes(this), node => ({ node, limit: limitOf(limiter, node) }))

    this.#limiter = limiter
    this.#readSharedLimits()

    for (const { node, limit } of limits) {
      if (!keep) {
        // it has the limit of the configuration again, and may be collected
        node.ownLimits = undefined
      }

      node.limit = node.ownLimits === undefined ? limit : resolveParsed(node.ownLimits, limit)
      node.queueIfIdle()
    }
  }

  #make (init: AggregateNodeInit): AggregateNode {
    return new AggregateNode(this, this.#limitOf(init), init)
  }

  /**
   * A limiter of somebody else may do anything
   */
  #limitOf (init: AggregateNodeInit): Readonly<Limit> {
    this.idle.held++

    try {
      return limitOf(this.#limiter, init)
    } finally {
      this.idle.held--
    }
  }

  #add (nodes: { set(key: string, node: AggregateNode): unknown }, init: AggregateNodeInit): AggregateNode {
    const node = this.#make(init)

    nodes.set(init.key, node)
    node.queueIfIdle()
    this.tracer?.created(node)

    return node
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

  #collect (node: AggregateNode): void {
    // it may have gone with its peer already
    if (node.closed) {
      return
    }

    node.closed = true

    if (node.group != null) {
      deletePeerChild(node as PeerChildNode)
    } else if (node.kind === 'peer') {
      this.peers.delete(node.key)

      // they hold part of what the peer holds, which is nothing
      for (const child of [...peerChildren(node)]) {
        this.#collect(child)
      }
    } else {
      this.protocols.delete(node.key)
    }

    this.tracer?.destroyed(node)
  }
}
