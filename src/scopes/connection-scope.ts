import { ResourceScopeStateError } from '../errors.ts'
import { checkPeer } from './arguments.ts'
import { findConnectionRefusal } from './find-refusal.ts'
import { MovableScope, nameOf } from './movable-scope.ts'
import { NOTHING, oneConnection } from './usage.ts'
import type { AggregateScope, ScopePair } from './aggregate-scope.ts'
import type { BanGate } from './ban-gate.ts'
import type { Evictable } from './evictable.ts'
import type { GraphScope } from './graph.ts'
import type { MovableGraph } from './movable-scope.ts'
import type { Refusal } from './refusal.ts'
import type { ConnectionManagementScope } from './resource-scope.ts'
import type { ScopeKind } from './scope-kind.ts'
import type { Usage } from './usage.ts'
import type { Limit } from '../limits/limit.ts'
import type { SettingPath } from '../limits/setting.ts'
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * What the admission remembers an address by. The graph only keeps it.
 */
export type CountedAddress = object

/**
 * What is decided about connections by their address. The graph knows nothing of
 * addresses, it only says what becomes of its connections.
 */
export interface ConnectionAdmission {
  /**
   * The system is full, but the peer of a connection may be one that is trusted wherever it
   * is
   *
   * @param refused - the connection for which there is no room
   * @param cost - its base cost, in bytes
   * @returns The one to open instead, which has to prove who it is, if there may be one
   */
  prove(refused: DefaultConnectionScope, cost: number): DefaultConnectionScope | undefined

  /**
   * Whether a peer is trusted wherever it is
   */
  trusts(peer: PeerId): boolean

  /**
   * Whether many hosts have an address, or one of those beside it
   */
  isShared(address: CountedAddress): boolean

  /**
   * Why there may not be one more of those, if so
   */
  findProvers(): Refusal | undefined

  /**
   * Whether a connection that was opened under the allowlisted system may stay
   * there now that its peer is known
   */
  staysAllowlisted(peer: PeerId, connection: Pick<DefaultConnectionScope, 'endpoint'>): boolean

  /**
   * The connection is in the allowlisted pair now, because of its peer
   */
  enterAllowlist(connection: DefaultConnectionScope): void

  /**
   * The connection moves from the allowlisted system to the normal one unless this
   * answers why it must not
   *
   * @param connection
   * @param peer - the id of its peer
   */
  leaveAllowlist(connection: DefaultConnectionScope, peer: string): Refusal | undefined

  /**
   * The connection has been closed
   */
  leave(connection: DefaultConnectionScope): void
}

const NO_SCOPES: AggregateScope[] = []

interface ConnectionGraph extends MovableGraph {
  readonly connLimit: Readonly<Limit>
  readonly connections: { add(connection: DefaultConnectionScope): void, delete(connection: DefaultConnectionScope): unknown }
  readonly admission?: ConnectionAdmission
  readonly bans?: BanGate
  readonly normal: ScopePair
  readonly allowlisted: ScopePair
  readonly proving: ScopePair
  provers: number

  getPeer(peer: PeerId): AggregateScope
}

/**
 * One connection. What constrains it, in the order in which it is checked:
 *
 * - transient, system, when it is opened
 * - peer, system, once the peer is known
 * - peer, service peer, service, system, once it belongs to a service
 */
export class DefaultConnectionScope extends MovableScope implements ConnectionManagementScope {
  declare readonly graph: ConnectionGraph
  declare readonly usefd: boolean

  /**
   * The address of the other end
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
   * The groups that it is in by its address, once somebody has asked. The graph only keeps
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
    // nearly always, and a getter less
    return this.rare === undefined ? this.graph.connLimit : this.rare.ownLimit ?? this.graph.connLimit
  }

  get limitPath (): SettingPath | undefined {
    return this.graph.limitPath('conn')
  }

  get edges (): GraphScope[] {
    const { pair, servicePeer } = this
    const first = this.peerScope ?? pair.transient

    return servicePeer == null ? [first, pair.system] : [first, servicePeer, servicePeer.group, pair.system]
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
    // first: the scope may become idle with what leaves it last
    if (this.buffers !== 0) {
      scope.markBuffers(-this.buffers)
    }

    scope.removeConnection(this.inbound, this.usefd, this.memory)
  }

  /**
   * Why the connection cannot be opened, if so
   */
  findRefusal (): Refusal | undefined {
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
  }

  /**
   * Commits a new connection that was found to fit
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
   * Moves the connection from transient to its peer, or answers why not.
   *
   * A connection that was let in because of its address, but whose peer is not
   * the one that the allowlist names, moves to the normal pair as well. It must
   * fit into all of that pair, transient included: it should not get around
   * transient because it was almost allowlisted. One that was let in because its peer might
   * be trusted is in transient already.
   */
  trySetPeer (peer: PeerId): Refusal | undefined {
    checkPeer(peer)
    this.assertOpen()

    if (this.peerScope != null) {
      throw new ResourceScopeStateError('connection scope already attached to a peer')
    }

    const { graph, pair } = this
    const scopes = pair === graph.normal ? NO_SCOPES : this.scopesToReturnTo(peer)
    const leavesAllowlist = scopes.length > 0

    const refused = graph.bans?.refusePeer(this, peer) ?? (leavesAllowlist ? this.refuseMove(peer.toString(), ...scopes) : undefined)

    if (refused != null) {
      return refused
    }

    const peerScope = graph.getPeer(peer)
    const refusal = (this.fitsInto(peerScope) ? undefined : this.refuseMove(peerScope.key, peerScope)) ?? (leavesAllowlist ? graph.admission?.leaveAllowlist(this, peerScope.key) : undefined)

    if (refusal != null) {
      return refusal
    }

    // who was told of the peer may have ended this
    this.assertOpen()
    this.removeFrom(pair.transient)
    this.addTo(peerScope)

    if (pair !== graph.normal) {
      leavePair(this, leavesAllowlist)
    }

    this.peerScope = peerScope
    graph.placements?.placed(this)

    if (graph.tracer !== undefined) {
      graph.tracer.moved(this, leavesAllowlist ? [peerScope, graph.normal.system] : [peerScope], leavesAllowlist ? [pair.transient, pair.system] : [pair.transient])
    }
  }

  /**
   * The scopes that it must fit into because it may not stay in the allowlisted system, if so
   */
  scopesToReturnTo (peer: PeerId): AggregateScope[] {
    const { graph: { admission, normal }, pair } = this
    const { system, transient } = normal

    if (pair === normal || admission?.staysAllowlisted(peer, this) === true) {
      return NO_SCOPES
    }

    return pair.allowlisted ? [system, transient] : [system]
  }

  setPeer (peer: PeerId): void {
    const refusal = this.trySetPeer(peer)

    if (refusal != null) {
      throw this.graph.errorOf(refusal)
    }
  }

  protected firstEdgeWithoutMemory (size: number, priority: number): AggregateScope | undefined {
    const { pair, servicePeer } = this
    const first = this.peerScope ?? pair.transient

    if (!first.fitsMemory(size, priority)) {
      return first
    }

    if (servicePeer != null) {
      if (!servicePeer.fitsMemory(size, priority)) {
        return servicePeer
      }

      if (!servicePeer.group.fitsMemory(size, priority)) {
        return servicePeer.group
      }
    }

    if (!pair.system.fitsMemory(size, priority)) {
      return pair.system
    }
  }

  protected addMemoryToEdges (size: number): void {
    const { pair, servicePeer } = this
    const first = this.peerScope ?? pair.transient

    first.memory += size
    pair.system.memory += size

    if (servicePeer != null) {
      servicePeer.memory += size
      servicePeer.group.memory += size
    }
  }

  protected removeMemoryFromEdges (size: number): void {
    // none of them can become idle, the connection itself is still in them
    this.addMemoryToEdges(-size)
  }

  protected addBuffersToEdges (size: number): void {
    const { pair, peerScope, servicePeer } = this

    pair.system.addBuffers(size)
    ;(peerScope ?? pair.transient).addBuffers(size)

    if (servicePeer != null) {
      servicePeer.addBuffers(size)
      servicePeer.group.addBuffers(size)
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
      this.removeFrom(servicePeer.group)
    }

    this.graph.connections.delete(this)
    this.graph.placements?.left(this)
    this.graph.admission?.leave(this)
  }
}

/**
 * Counts those whose peer may turn out to be trusted
 */
function countProver ({ graph, inbound, pair }: DefaultConnectionScope, difference: 1 | -1): void {
  if (inbound && pair === graph.proving) {
    graph.provers += difference
  }
}

/**
 * A connection whose peer is known now is in the pair from then on that it belongs to. Not a
 * private method: an object gets a mark for these when it is made.
 */
function leavePair (connection: DefaultConnectionScope, leavesAllowlist: boolean): void {
  const { graph, pair } = connection

  countProver(connection, -1)

  if (leavesAllowlist) {
    connection.removeFrom(pair.system)
    connection.addTo(graph.normal.system)
    connection.pair = graph.normal
  } else if (pair === graph.proving) {
    connection.pair = graph.allowlisted
    graph.admission?.enterAllowlist(connection)
  }
}
