import { checkName } from './arguments.ts'
import { DefaultConnectionScope } from './connection-scope.ts'
import { inOrder } from './edges.ts'
import { findStreamRefusal } from './find-refusal.ts'
import { MovableScope, nameOf, stateError } from './movable-scope.ts'
import { refuseMove, TO_PROTOCOL } from './moves.ts'
import { assertOpen } from './refusal.ts'
import { NOTHING, oneStream } from './usage.ts'
import type { AggregateScope, PeerShareScope } from './aggregate-scope.ts'
import type { Evictable } from './evictable.ts'
import type { MovableGraph } from './movable-scope.ts'
import type { Refusal } from './refusal.ts'
import type { ProtocolScope, StreamManagementScope } from './resource-scope.ts'
import type { ScopeKind } from './scope-kind.ts'
import type { ScopePair } from './scope-pair.ts'
import type { Usage } from './usage.ts'
import type { Limit } from '../limits/limit.ts'
import type { SettingPath } from '../limits/setting.ts'

interface StreamUser extends Evictable {
  readonly connectionScope?: DefaultConnectionScope
}

interface StreamGraph extends MovableGraph {
  readonly streamLimit: Readonly<Limit>
}

/**
 * One stream. Its edges, in the order in which they are checked:
 *
 * - when it is opened: peer, transient, system
 * - once its protocol is known: peer, protocol peer, protocol, system
 * - once its service is known too: peer, protocol peer, service peer, protocol, service, system
 */
export class DefaultStreamScope extends MovableScope implements StreamManagementScope {
  declare readonly graph: StreamGraph
  declare readonly peerScope: AggregateScope
  declare protocolPeer?: PeerShareScope

  /**
   * The holder of the stream, which knows the connection. Before there is a holder, the connection
   * itself, if it is known.
   */
  declare user?: DefaultConnectionScope | StreamUser

  constructor (graph: StreamGraph, serial: number, ownLimit: Readonly<Limit> | undefined, peerScope: AggregateScope, inbound: boolean, pair: ScopePair, connection?: DefaultConnectionScope) {
    super(graph, serial, ownLimit, inbound, pair, peerScope)
    this.protocolPeer = undefined
    this.user = connection
  }

  get holder (): StreamUser | undefined {
    return this.user instanceof DefaultConnectionScope ? undefined : this.user
  }

  set holder (holder: StreamUser | undefined) {
    this.user = holder ?? this.connection
  }

  /**
   * The connection that it was opened on, if it is known
   */
  get connection (): DefaultConnectionScope | undefined {
    return this.user instanceof DefaultConnectionScope ? this.user : this.user?.connectionScope
  }

  get kind (): ScopeKind {
    return 'stream'
  }

  get name (): string {
    return nameOf(this)
  }

  get limit (): Readonly<Limit> {
    // nearly always `undefined`: this saves a getter
    return this.rare === undefined ? this.graph.streamLimit : this.rare.ownLimit ?? this.graph.streamLimit
  }

  get limitPath (): SettingPath | undefined {
    return this.graph.limitPath('stream')
  }

  get edges (): AggregateScope[] {
    const { pair: { system, transient }, peerScope, protocolPeer, servicePeer } = this

    return inOrder({
      peer: peerScope,
      protocolPeer: protocolPeer ?? transient,
      servicePeer,
      protocol: protocolPeer?.whole,
      service: servicePeer?.whole,
      system
    })
  }

  get protocolScope (): ProtocolScope | undefined {
    return this.protocolPeer?.whole
  }

  protected get missingForService (): 'protocol' | undefined {
    return this.protocolPeer == null ? 'protocol' : undefined
  }

  get usage (): Usage {
    return {
      memory: this.memory,
      streamsInbound: this.inbound ? 1 : 0,
      streamsOutbound: this.inbound ? 0 : 1,
      connsInbound: 0,
      connsOutbound: 0,
      fd: 0
    }
  }

  fitsInto (scope: AggregateScope): boolean {
    return scope.fitsStreamMove(this.inbound, this.memory - this.buffers)
  }

  addTo (scope: AggregateScope): void {
    scope.addStream(this.inbound, this.memory)

    if (this.buffers !== 0) {
      scope.markBuffers(this.buffers)
    }
  }

  removeFrom (scope: AggregateScope): void {
    // before the stream leaves, which may make the scope idle
    if (this.buffers !== 0) {
      scope.markBuffers(-this.buffers)
    }

    scope.removeStream(this.inbound, this.memory)
  }

  /**
   * Why the stream cannot be opened, if so. Counts nothing.
   *
   * @param cost - its base cost, in bytes
   */
  findRefusal (cost: number): Refusal | undefined {
    const { inbound, limit, pair, peerScope } = this

    if ((inbound ? limit.streamsInbound : limit.streamsOutbound) < 1 || limit.streams < 1) {
      return findStreamRefusal(this, this, NOTHING, oneStream(inbound))
    }

    if (!peerScope.fitsStream(inbound)) {
      return findStreamRefusal(this, peerScope, peerScope, oneStream(inbound))
    }

    if (!pair.transient.fitsStream(inbound)) {
      return findStreamRefusal(this, pair.transient, pair.transient, oneStream(inbound))
    }

    if (!pair.system.fitsStream(inbound)) {
      return findStreamRefusal(this, pair.system, pair.system, oneStream(inbound))
    }

    return cost === 0 ? undefined : this.findCostRefusal(cost)
  }

  /**
   * Counts a new stream that fits
   */
  enter (): void {
    this.addTo(this.peerScope)
    this.addTo(this.pair.transient)
    this.addTo(this.pair.system)
    this.graph.placements?.placed(this)

    if (this.graph.tracer !== undefined) {
      this.graph.tracer.entered(this)
    }
  }

  /**
   * Moves the stream from transient to its protocol, or answers why not
   */
  trySetProtocol (protocol: string): Refusal | undefined {
    checkName('protocol', protocol)
    assertOpen(this)

    if (this.protocolPeer != null) {
      throw stateError(this, 'already attached to a protocol')
    }

    const { graph, pair, peerScope } = this
    const found = this.findShare(graph.getProtocol(protocol), peerScope)
    const refusal = found === undefined ? refuseMove(graph, TO_PROTOCOL, this, protocol) : undefined

    if (refusal !== undefined) {
      return refusal
    }

    const share = this.join(found ?? graph.getPeerChild(peerScope, graph.getProtocol(protocol)))

    this.removeFrom(pair.transient)
    this.protocolPeer = share
    graph.placements?.placed(this)

    if (graph.tracer !== undefined) {
      graph.tracer.joined(this, share, pair.transient)
    }
  }

  setProtocol (protocol: string): void {
    const refusal = this.trySetProtocol(protocol)

    if (refusal != null) {
      throw this.graph.errorOf(refusal)
    }
  }

  protected edgesHaveMemory (size: number, priority: number): boolean {
    const { pair, peerScope, protocolPeer, servicePeer } = this

    if (!peerScope.fitsMemory(size, priority) || !pair.system.fitsMemory(size, priority)) {
      return false
    }

    if (protocolPeer == null) {
      return pair.transient.fitsMemory(size, priority)
    }

    return protocolPeer.fitsMemory(size, priority) && protocolPeer.whole.fitsMemory(size, priority) &&
      (servicePeer == null || (servicePeer.fitsMemory(size, priority) && servicePeer.whole.fitsMemory(size, priority)))
  }

  protected addMemoryToEdges (size: number): void {
    const { pair, protocolPeer, servicePeer } = this

    this.peerScope.memory += size
    pair.system.memory += size

    if (protocolPeer == null) {
      pair.transient.memory += size
      return
    }

    protocolPeer.memory += size
    protocolPeer.whole.memory += size

    if (servicePeer != null) {
      servicePeer.memory += size
      servicePeer.whole.memory += size
    }
  }

  protected removeMemoryFromEdges (size: number): void {
    // none of them can become idle: the stream itself is still in them
    this.addMemoryToEdges(-size)
  }

  protected addBuffersToEdges (size: number): void {
    const { pair, peerScope, protocolPeer, servicePeer } = this

    peerScope.addBuffers(size)
    pair.system.addBuffers(size)

    if (protocolPeer == null) {
      pair.transient.addBuffers(size)
      return
    }

    protocolPeer.addBuffers(size)
    protocolPeer.whole.addBuffers(size)

    if (servicePeer != null) {
      servicePeer.addBuffers(size)
      servicePeer.whole.addBuffers(size)
    }
  }

  protected empty (): void {
    super.empty()

    if (this.user !== undefined) {
      this.user = this.connection
    }
  }

  protected leave (): void {
    const { pair, protocolPeer, servicePeer } = this

    this.graph.placements?.left(this)
    this.removeFrom(this.peerScope)
    this.removeFrom(pair.system)

    if (protocolPeer == null) {
      this.removeFrom(pair.transient)
      return
    }

    this.removeFrom(protocolPeer)
    this.removeFrom(protocolPeer.whole)

    if (servicePeer != null) {
      this.removeFrom(servicePeer)
      this.removeFrom(servicePeer.whole)
    }
  }
}

/**
 * The connection itself, or that of a stream, if it is known
 */
export function connectionOf (scope: MovableScope): DefaultConnectionScope | undefined {
  return scope instanceof DefaultStreamScope ? scope.connection : scope as DefaultConnectionScope
}
