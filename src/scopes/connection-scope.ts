import { checkPeer } from './arguments.ts'
import { inOrder } from './edges.ts'
import { findConnectionRefusal } from './find-refusal.ts'
import { MovableScope, nameOf, stateError } from './movable-scope.ts'
import { findBan, refuseMove, TO_PEER } from './moves.ts'
import { assertOpen } from './refusal.ts'
import { countProver } from './scope-pair.ts'
import { NOTHING, oneConnection } from './usage.ts'
import type { AggregateScope } from './aggregate-scope.ts'
import type { BanGate } from './ban-gate.ts'
import type { Evictable } from './evictable.ts'
import type { MovableGraph } from './movable-scope.ts'
import type { Refusal } from './refusal.ts'
import type { ConnectionManagementScope } from './resource-scope.ts'
import type { ScopeKind } from './scope-kind.ts'
import type { PairGate, ScopePair } from './scope-pair.ts'
import type { Usage } from './usage.ts'
import type { Limit } from '../limits/limit.ts'
import type { SettingPath } from '../limits/setting.ts'
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * An address in the form that the admission uses. The graph only keeps it.
 */
export type CountedAddress = object

interface ConnectionGraph extends MovableGraph {
  readonly connLimit: Readonly<Limit>
  readonly connections: { add(connection: DefaultConnectionScope): void, delete(connection: DefaultConnectionScope): unknown }
  readonly admission?: PairGate & { leave(connection: DefaultConnectionScope): void }
  readonly bans?: BanGate
  readonly normal: ScopePair
  readonly allowlisted: ScopePair
  readonly proving: ScopePair
  provers: number
}

/**
 * One connection. Its edges, in the order in which they are checked:
 *
 * - when it is opened: transient, system
 * - once its peer is known: peer, system
 * - once it has a service: peer, service peer, service, system
 */
export class DefaultConnectionScope extends MovableScope implements ConnectionManagementScope {
  declare readonly graph: ConnectionGraph
  declare readonly usefd: boolean

  /**
   * The address of the remote
   */
  declare readonly endpoint?: Multiaddr

  /**
   * The address under which the connection counts in its subnet
   */
  declare countedAddress?: CountedAddress

  declare position: number
  declare holder?: Evictable

  constructor (graph: ConnectionGraph, serial: number, ownLimit: Readonly<Limit> | undefined, inbound: boolean, usefd: boolean, pair: ScopePair, endpoint?: Multiaddr) {
    super(graph, serial, ownLimit, inbound, pair)
    this.usefd = usefd
    this.endpoint = endpoint
    this.countedAddress = undefined
    this.position = -1
    this.holder = undefined
  }

  /**
   * The groups that its address belongs to, once fairness has asked for them. The graph only keeps
   * them.
   */
  get origin (): object | undefined {
    return this.rare?.origin
  }

  set origin (origin: object) {
    this.makeRare().origin = origin
  }

  get kind (): ScopeKind {
    return 'conn'
  }

  get name (): string {
    return nameOf(this)
  }

  get limit (): Readonly<Limit> {
    // nearly always `undefined`: this saves a getter
    return this.rare === undefined ? this.graph.connLimit : this.rare.ownLimit ?? this.graph.connLimit
  }

  get limitPath (): SettingPath | undefined {
    return this.graph.limitPath('conn')
  }

  get edges (): AggregateScope[] {
    const { pair: { system, transient }, peerScope, servicePeer } = this

    return inOrder({ peer: peerScope ?? transient, servicePeer, service: servicePeer?.whole, system })
  }

  protected get missingForService (): 'peer' | undefined {
    return this.peerScope == null ? 'peer' : undefined
  }

  get usage (): Usage {
    return {
      memory: this.memory,
      streamsInbound: 0,
      streamsOutbound: 0,
      connsInbound: this.inbound ? 1 : 0,
      connsOutbound: this.inbound ? 0 : 1,
      fd: this.usefd ? 1 : 0
    }
  }

  fitsInto (scope: AggregateScope): boolean {
    return scope.fitsConnectionMove(this.inbound, this.usefd, this.memory - this.buffers)
  }

  addTo (scope: AggregateScope): void {
    scope.addConnection(this.inbound, this.usefd, this.memory)

    if (this.buffers !== 0) {
      scope.markBuffers(this.buffers)
    }
  }

  removeFrom (scope: AggregateScope): void {
    // before the connection leaves, which may make the scope idle
    if (this.buffers !== 0) {
      scope.markBuffers(-this.buffers)
    }

    scope.removeConnection(this.inbound, this.usefd, this.memory)
  }

  /**
   * Why the connection cannot be opened, if so. Counts nothing.
   *
   * @param cost - its base cost, in bytes
   */
  findRefusal (cost: number): Refusal | undefined {
    const { inbound, limit, pair, usefd } = this

    if ((inbound ? limit.connsInbound : limit.connsOutbound) < 1 || limit.conns < 1 || (usefd && limit.fd < 1)) {
      return findConnectionRefusal(this, this, NOTHING, oneConnection(inbound, usefd))
    }

    if (!pair.transient.fitsConnection(inbound, usefd)) {
      return findConnectionRefusal(this, pair.transient, pair.transient, oneConnection(inbound, usefd))
    }

    if (!pair.system.fitsConnection(inbound, usefd)) {
      return findConnectionRefusal(this, pair.system, pair.system, oneConnection(inbound, usefd))
    }

    return cost === 0 ? undefined : this.findCostRefusal(cost)
  }

  /**
   * Counts a new connection that fits
   */
  enter (): void {
    countProver(this, 1)
    this.addTo(this.pair.transient)
    this.addTo(this.pair.system)
    this.graph.connections.add(this)
    this.graph.placements?.placed(this)

    if (this.graph.tracer !== undefined) {
      this.graph.tracer.entered(this)
    }
  }

  /**
   * Moves the connection from transient to its peer, or answers why not
   */
  trySetPeer (peer: PeerId): Refusal | undefined {
    checkPeer(peer)
    assertOpen(this)

    if (this.peerScope != null) {
      throw stateError(this, 'already attached to a peer')
    }

    const { graph, pair } = this
    const leaves = pair !== graph.normal && (graph.admission?.scopesToReturnTo(this, peer).length ?? 0) > 0
    // the short way, for nearly all connections. The others ask the list, which knows what refuses first.
    const found = leaves || findBan(this, peer) !== undefined ? undefined : graph.getPeer(peer)

    const refusal = found === undefined || !this.fitsInto(found) ? refuseMove(graph, TO_PEER, this, peer) : undefined

    if (refusal !== undefined) {
      return refusal
    }

    const peerScope = found ?? graph.getPeer(peer)

    // a tracer that was told of the peer may have ended this
    assertOpen(this)
    this.removeFrom(pair.transient)
    this.addTo(peerScope)

    if (pair !== graph.normal) {
      graph.admission?.changePair(this, leaves)
    }

    this.peerScope = peerScope
    graph.placements?.placed(this)

    if (graph.tracer !== undefined) {
      graph.tracer.moved(this, leaves ? [peerScope, graph.normal.system] : [peerScope], leaves ? [pair.transient, pair.system] : [pair.transient])
    }
  }

  setPeer (peer: PeerId): void {
    const refusal = this.trySetPeer(peer)

    if (refusal != null) {
      throw this.graph.errorOf(refusal)
    }
  }

  protected edgesHaveMemory (size: number, priority: number): boolean {
    const { pair, servicePeer } = this

    return (this.peerScope ?? pair.transient).fitsMemory(size, priority) && pair.system.fitsMemory(size, priority) &&
      (servicePeer == null || (servicePeer.fitsMemory(size, priority) && servicePeer.whole.fitsMemory(size, priority)))
  }

  protected addMemoryToEdges (size: number): void {
    const { pair, servicePeer } = this
    const first = this.peerScope ?? pair.transient

    first.memory += size
    pair.system.memory += size

    if (servicePeer != null) {
      servicePeer.memory += size
      servicePeer.whole.memory += size
    }
  }

  protected removeMemoryFromEdges (size: number): void {
    // none of them can become idle: the connection itself is still in them
    this.addMemoryToEdges(-size)
  }

  protected addBuffersToEdges (size: number): void {
    const { pair, peerScope, servicePeer } = this

    pair.system.addBuffers(size)
    ;(peerScope ?? pair.transient).addBuffers(size)

    if (servicePeer != null) {
      servicePeer.addBuffers(size)
      servicePeer.whole.addBuffers(size)
    }
  }

  protected empty (): void {
    super.empty()
    this.holder = undefined
  }

  protected leave (): void {
    const { pair, servicePeer } = this

    countProver(this, -1)
    this.removeFrom(this.peerScope ?? pair.transient)
    this.removeFrom(pair.system)

    if (servicePeer != null) {
      this.removeFrom(servicePeer)
      this.removeFrom(servicePeer.whole)
    }

    this.graph.connections.delete(this)
    this.graph.placements?.left(this)
    this.graph.admission?.leave(this)
  }
}
