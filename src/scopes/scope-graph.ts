import { PositionedList } from '../util/positioned-list.ts'
import { SplitMap } from '../util/split-map.ts'
import { AggregateScope } from './aggregate-scope.ts'
import { checkDirection, checkName, checkPeer } from './arguments.ts'
import { DefaultConnectionScope } from './connection-scope.ts'
import { IdleScopes } from './idle-scopes.ts'
import { addPeerChild, deletePeerChild, peerChildren, usePeerChild } from './peer-children.ts'
import { RefusingGraph } from './refusing-graph.ts'
import { ServiceSpanScope } from './service-span-scope.ts'
import { SpanScope } from './span-scope.ts'
import { DefaultStreamScope } from './stream-scope.ts'
import type { AggregateScopeInit, PeerShareScope } from './aggregate-scope.ts'
import type { ConnectionAdmission } from './connection-admission.ts'
import type { FairGroups } from './fair-groups.ts'
import type { GraphTracer } from './graph-tracer.ts'
import type { PlacementObserver, ServiceGate } from './movable-scope.ts'
import type { OwnedScope } from './owned-scope.ts'
import type { RefusingGraphInit } from './refusing-graph.ts'
import type { ScopeKind } from './scope-kind.ts'
import type { ScopePair } from './scope-pair.ts'
import type { MessageStreamDirection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Makes scopes, finds them by name, and forgets idle ones. Its base classes know about limits and
 * refusals.
 */
export class ScopeGraph extends RefusingGraph {
  admission?: ConnectionAdmission
  serviceGate?: ServiceGate = undefined

  /**
   * Set while something is full
   */
  placements?: PlacementObserver = undefined
  readonly normal: ScopePair
  readonly allowlisted: ScopePair

  /**
   * For connections that may turn out to be trusted: until their peer is known, they are in the
   * allowlisted system, but in the normal transient
   */
  readonly proving: ScopePair

  /**
   * How many inbound connections are in the `proving` pair
   */
  provers = 0
  readonly services = new Map<string, AggregateScope>()
  readonly protocols = new Map<string, AggregateScope>()
  readonly peers = new SplitMap<AggregateScope>()
  readonly connections = new PositionedList<DefaultConnectionScope>()
  readonly idle: IdleScopes

  /** Set if full scopes are shared fairly */
  groups?: FairGroups = undefined

  #connections = 0
  #streams = 0

  constructor (init: RefusingGraphInit) {
    super(init)
    this.idle = new IdleScopes({
      collect: (scope) => { this.#collect(scope) }
    })

    const system = this.make({ kind: 'system', key: '' })
    const transient = this.make({ kind: 'transient', key: '', parent: system })
    const allowlistedSystem = this.make({ kind: 'allowlistedSystem', key: '' })
    const allowlistedTransient = this.make({ kind: 'allowlistedTransient', key: '', parent: allowlistedSystem })

    this.normal = { system, transient, allowlisted: false }
    this.allowlisted = { system: allowlistedSystem, transient: allowlistedTransient, allowlisted: true }
    this.proving = { system: allowlistedSystem, transient, allowlisted: false }
  }

  /**
   * Reports all changes to a tracer from now on. The graph must have no scopes yet but those that
   * are always there.
   */
  startTracing (tracer: GraphTracer): void {
    for (const { system, transient } of [this.normal, this.allowlisted]) {
      tracer.created(system)
      tracer.created(transient)
    }

    this.tracer = tracer
  }

  // scopes by name, made on demand

  getService (service: string): AggregateScope {
    return this.services.get(service) ?? this.#add(this.services, 'service', service)
  }

  getProtocol (protocol: string): AggregateScope {
    return this.protocols.get(protocol) ?? this.#add(this.protocols, 'protocol', protocol)
  }

  getPeer (peer: PeerId): AggregateScope {
    const key = peer.toString()

    return this.peers.get(key) ?? this.#add(this.peers, 'peer', key, peer)
  }

  /**
   * The share that a peer has of a protocol or service. It has no parent: its streams count
   * themselves in the peer and in the protocol or service.
   */
  getPeerChild (peerScope: AggregateScope, whole: AggregateScope): PeerShareScope {
    let scope = usePeerChild(peerScope, whole)

    if (scope == null) {
      scope = this.make({ kind: `${whole.kind as 'protocol' | 'service'}Peer`, key: peerScope.key, peerScope, whole }) as PeerShareScope
      addPeerChild(scope)
      scope.queueIfIdle()
      this.tracer?.created(scope)
    }

    return scope
  }

  // what is opened

  /**
   * A connection that is not counted yet. It uses up a serial number even if it is refused.
   */
  newConnection (direction: MessageStreamDirection, usefd: boolean, pair: ScopePair, endpoint?: Multiaddr): DefaultConnectionScope {
    return new DefaultConnectionScope(this, ++this.#connections, this.ownConnLimit(), direction === 'inbound', usefd, pair, endpoint)
  }

  /**
   * A stream that is not counted yet. It uses up a serial number even if it is refused.
   *
   * @param peer
   * @param direction
   * @param connection - the connection that it is opened on. An open one already has the scope of
   * the peer.
   */
  newStream (peer: PeerId, direction: MessageStreamDirection, connection?: object): DefaultStreamScope {
    checkPeer(peer)
    checkDirection(direction)

    const opened = connection instanceof DefaultConnectionScope ? connection : undefined
    const known = opened !== undefined && !opened.closed ? opened.peerScope : undefined
    const peerScope = known !== undefined && known.peer === peer ? known : this.getPeer(peer)

    return new DefaultStreamScope(this, ++this.#streams, this.ownStreamLimit(peer), peerScope, direction === 'inbound', this.normal, opened)
  }

  openService (service: string): ServiceSpanScope {
    checkName('service', service)

    const scope = this.getService(service)
    scope.references++

    return this.#opened(new ServiceSpanScope(this, scope, ++scope.spans))
  }

  openSpan (owner: AggregateScope | OwnedScope, serial: number): SpanScope {
    return this.#opened(new SpanScope(this, owner, serial))
  }

  #opened <S extends SpanScope> (span: S): S {
    // what this node leases of a limit changes, and the span may outlive that
    if (this.limitCap !== undefined) {
      span.ownLimit = this.limitCap.uncapped(span.owner as AggregateScope) ?? span.ownLimit
    }

    if (this.tracer !== undefined) {
      this.tracer.created(span)
    }

    return span
  }

  /**
   * Opens a connection for which the system has no room in the `proving` pair, if its peer may turn
   * out to be trusted
   */
  prove (refused: DefaultConnectionScope, cost: number): DefaultConnectionScope | undefined {
    return this.admission?.prove(refused, cost)
  }

  /**
   * A scope that is not in the graph yet
   */
  make (init: AggregateScopeInit): AggregateScope {
    return new AggregateScope(this, this.limitOf(init), init)
  }

  #add (scopes: { set(key: string, scope: AggregateScope): unknown }, kind: ScopeKind, key: string, peer?: PeerId): AggregateScope {
    const scope = this.make({ kind, key, peer, parent: this.normal.system })

    scopes.set(key, scope)
    this.limitCap?.limitChanged(scope)
    scope.queueIfIdle()
    this.tracer?.created(scope)

    return scope
  }

  #collect (scope: AggregateScope): void {
    // a share may have been collected with its peer
    if (scope.closed) {
      return
    }

    scope.closed = true

    if (scope.whole != null) {
      deletePeerChild(scope as PeerShareScope)
    } else if (scope.kind === 'peer') {
      this.peers.delete(scope.key)

      // the peer holds nothing, so its shares do not either
      for (const child of [...peerChildren(scope)]) {
        this.#collect(child)
      }
    } else {
      this.protocols.delete(scope.key)
    }

    this.tracer?.destroyed(scope)
  }
}
