import { ResourceScopeStateError } from '../errors.ts'
import { checkName } from './arguments.ts'
import { MovableNode } from './movable-node.ts'
import { findStreamShortage, NOTHING, oneStream, Refusal } from './refusal.ts'
import type { AggregateNode, PeerChildNode, ScopePair } from './aggregate-node.ts'
import type { ConnectionNode } from './connection-node.ts'
import type { GraphScope } from './graph.ts'
import type { MovableGraph } from './movable-node.ts'
import type { Usage } from './refusal.ts'
import type { PeerScope, ProtocolScope, StreamManagementScope } from './resource-scope.ts'
import type { ScopeKind } from './scope-kind.ts'
import type { Limit } from '../limits/limit.ts'
import type { SettingPath } from '../limits/setting.ts'

interface StreamGraph extends MovableGraph {
  readonly streamLimit: Readonly<Limit>

  getProtocol(protocol: string): AggregateNode
}

/**
 * The scopes above a stream whose protocol is known, in the order in which they are asked for
 * memory. `firstConstraintWithoutMemory` has the same, unrolled.
 */
export function inOrder <T> ({ peer, protocol, protocolPeer, service, servicePeer, system }: Record<'peer' | 'protocol' | 'protocolPeer' | 'service' | 'servicePeer' | 'system', T | undefined>): T[] {
  return [peer, protocolPeer, servicePeer, protocol, service, system].filter(scope => scope != null)
}

/**
 * One stream. What constrains it, in the order in which it is checked:
 *
 * - peer, transient, system, when it is opened
 * - peer, protocol peer, protocol, system, once the protocol is known
 * - peer, protocol peer, service peer, protocol, service, system, once the service
 * is known too
 */
export class StreamNode extends MovableNode implements StreamManagementScope {
  declare readonly graph: StreamGraph
  declare readonly peerNode: AggregateNode
  declare protocolPeer?: PeerChildNode

  /**
   * What it is a stream of, where that is known
   */
  declare readonly connection?: ConnectionNode

  constructor (graph: StreamGraph, serial: number, ownLimit: Readonly<Limit> | undefined, peerNode: AggregateNode, inbound: boolean, pair: ScopePair, connection?: ConnectionNode) {
    super(graph, serial, ownLimit, inbound, pair, peerNode)
    this.protocolPeer = undefined
    this.connection = connection
  }

  get kind (): ScopeKind {
    return 'stream'
  }

  get name (): string {
    return `stream-${this.serial}`
  }

  get limit (): Readonly<Limit> {
    return this.ownLimit ?? this.graph.streamLimit
  }

  get peerScope (): PeerScope {
    return this.peerNode
  }

  get limitPath (): SettingPath | undefined {
    return this.graph.limitPath('stream')
  }

  get constraints (): GraphScope[] {
    const { pair, peerNode, protocolPeer, servicePeer } = this

    if (protocolPeer == null) {
      return [peerNode, pair.transient, pair.system]
    }

    return inOrder({
      peer: peerNode,
      protocolPeer,
      servicePeer,
      protocol: protocolPeer.group,
      service: servicePeer?.group,
      system: pair.system
    })
  }

  get protocolScope (): ProtocolScope | undefined {
    return this.protocolPeer?.group
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

  fitsInto (node: AggregateNode): boolean {
    return node.fitsStreamMove(this.inbound, this.rare === undefined ? this.memory : this.reserved)
  }

  addTo (node: AggregateNode): void {
    node.addStream(this.inbound, this.memory)

    if (this.rare !== undefined) {
      node.markBuffers(this.rare.buffers)
    }
  }

  dropFrom (node: AggregateNode): void {
    // first: the node may become idle with what leaves it last
    if (this.rare !== undefined) {
      node.markBuffers(-this.rare.buffers)
    }

    node.dropStream(this.inbound, this.memory)
  }

  /**
   * Why the stream cannot be opened, if so
   */
  findShortage (): Refusal | undefined {
    const { inbound, limit, pair, peerNode } = this

    if ((inbound ? limit.streamsInbound : limit.streamsOutbound) < 1 || limit.streams < 1) {
      return findStreamShortage(this, this, NOTHING, oneStream(inbound))
    }

    if (!peerNode.fitsStream(inbound)) {
      return findStreamShortage(this, peerNode, peerNode, oneStream(inbound))
    }

    if (!pair.transient.fitsStream(inbound)) {
      return findStreamShortage(this, pair.transient, pair.transient, oneStream(inbound))
    }

    if (!pair.system.fitsStream(inbound)) {
      return findStreamShortage(this, pair.system, pair.system, oneStream(inbound))
    }
  }

  /**
   * Commits a new stream that was found to fit
   */
  enter (): void {
    this.addTo(this.peerNode)
    this.addTo(this.pair.transient)
    this.addTo(this.pair.system)
    this.graph.follower?.placed(this)

    if (this.graph.tracer !== undefined) {
      this.graph.tracer.created(this)
      this.graph.tracer.added([...this.constraints, this], this.usage)
    }
  }

  /**
   * Moves the stream from transient to its protocol, or answers why not
   */
  trySetProtocol (protocol: string): Refusal | undefined {
    checkName('protocol', protocol)
    this.assertOpen()

    if (this.protocolPeer != null) {
      throw new ResourceScopeStateError('stream scope already attached to a protocol')
    }

    const child = this.join(this.graph.getProtocol(protocol), this.peerNode)

    if (child instanceof Refusal) {
      return child
    }

    this.dropFrom(this.pair.transient)
    this.protocolPeer = child
    this.graph.follower?.placed(this)
    this.traceJoined(child)

    if (this.graph.tracer !== undefined) {
      this.graph.tracer.removed([this.pair.transient], this.usage)
    }
  }

  setProtocol (protocol: string): void {
    const refusal = this.trySetProtocol(protocol)

    if (refusal != null) {
      throw this.graph.errorOf(refusal)
    }
  }

  protected firstConstraintWithoutMemory (size: number, priority: number): AggregateNode | undefined {
    const { pair, peerNode, protocolPeer, servicePeer } = this

    if (!peerNode.fitsMemory(size, priority)) {
      return peerNode
    }

    if (protocolPeer == null) {
      if (!pair.transient.fitsMemory(size, priority)) {
        return pair.transient
      }
    } else {
      if (!protocolPeer.fitsMemory(size, priority)) {
        return protocolPeer
      }

      if (servicePeer != null && !servicePeer.fitsMemory(size, priority)) {
        return servicePeer
      }

      if (!protocolPeer.group.fitsMemory(size, priority)) {
        return protocolPeer.group
      }

      if (servicePeer != null && !servicePeer.group.fitsMemory(size, priority)) {
        return servicePeer.group
      }
    }

    if (!pair.system.fitsMemory(size, priority)) {
      return pair.system
    }
  }

  protected takeFromConstraints (size: number): void {
    const { pair, protocolPeer, servicePeer } = this

    this.peerNode.memory += size
    pair.system.memory += size

    if (protocolPeer == null) {
      pair.transient.memory += size
      return
    }

    protocolPeer.memory += size
    protocolPeer.group.memory += size

    if (servicePeer != null) {
      servicePeer.memory += size
      servicePeer.group.memory += size
    }
  }

  protected giveToConstraints (size: number): void {
    // none of them can become idle, the stream itself is still in them
    this.takeFromConstraints(-size)
  }

  protected addBuffersToConstraints (size: number): void {
    const { pair, peerNode, protocolPeer, servicePeer } = this

    peerNode.addBuffers(size)
    pair.system.addBuffers(size)

    if (protocolPeer == null) {
      pair.transient.addBuffers(size)
      return
    }

    protocolPeer.addBuffers(size)
    protocolPeer.group.addBuffers(size)

    if (servicePeer != null) {
      servicePeer.addBuffers(size)
      servicePeer.group.addBuffers(size)
    }
  }

  protected leave (): void {
    const { pair, protocolPeer, servicePeer } = this

    this.graph.follower?.left(this)
    this.dropFrom(this.peerNode)
    this.dropFrom(pair.system)

    if (protocolPeer == null) {
      this.dropFrom(pair.transient)
      return
    }

    this.dropFrom(protocolPeer)
    this.dropFrom(protocolPeer.group)

    if (servicePeer != null) {
      this.dropFrom(servicePeer)
      this.dropFrom(servicePeer.group)
    }
  }
}
