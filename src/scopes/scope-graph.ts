import { AggregateNode } from './aggregate-node.ts'
import { checkDirection, checkName, checkPeer } from './arguments.ts'
import { ConnectionNode } from './connection-node.ts'
import { IdleNodes } from './idle-nodes.ts'
import { findConnectionShortage, findStreamShortage, NOTHING, withoutStackTrace } from './refusal.ts'
import { RefusalCounts } from './refusal-counts.ts'
import { ServiceSpanNode } from './service-span-node.ts'
import { SpanNode } from './span-node.ts'
import { StreamNode } from './stream-node.ts'
import type { PeerChildNode } from './aggregate-node.ts'
import type { ConnectionAdmission } from './connection-admission.ts'
import type { OwnedNode } from './owned-node.ts'
import type { Refusal } from './refusal.ts'
import type { ScopePair } from './scope-pair.ts'
import type { ResourceLimitExceededError } from '../errors.ts'
import type { Limiter } from '../limits/limiter.ts'
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
  limiter: Limiter
  admission?: ConnectionAdmission
  readonly normal: ScopePair
  readonly allowlisted: ScopePair
  readonly services = new Map<string, AggregateNode>()
  readonly protocols = new Map<string, AggregateNode>()
  readonly peers = new Map<string, AggregateNode>()
  readonly idle: IdleNodes
  readonly refusals = new RefusalCounts()

  readonly #observer: GraphObserver
  readonly #enforce: boolean
  readonly #captureStackTraces: boolean
  #connections = 0
  #streams = 0

  constructor (init: ScopeGraphInit) {
    const { limiter } = init

    this.limiter = limiter
    this.#observer = init.observer
    this.#enforce = init.enforce
    this.#captureStackTraces = init.captureStackTraces
    this.idle = new IdleNodes({
      collect: (node) => { this.#collect(node) }
    })

    const system = new AggregateNode(this, { kind: 'system', limit: limiter.getSystemLimits() })
    const transient = new AggregateNode(this, { kind: 'transient', limit: limiter.getTransientLimits(), parent: system })
    const allowlistedSystem = new AggregateNode(this, { kind: 'allowlistedSystem', limit: limiter.getAllowlistedSystemLimits() })
    const allowlistedTransient = new AggregateNode(this, { kind: 'allowlistedTransient', limit: limiter.getAllowlistedTransientLimits(), parent: allowlistedSystem })

    this.normal = { system, transient, allowlisted: false }
    this.allowlisted = { system: allowlistedSystem, transient: allowlistedTransient, allowlisted: true }
  }

  // nodes by name, made when they are first asked for

  getService (service: string): AggregateNode {
    let node = this.services.get(service)

    if (node == null) {
      node = new AggregateNode(this, { kind: 'service', key: service, limit: this.limiter.getServiceLimits(service), parent: this.normal.system })
      this.services.set(service, node)
    }

    return node
  }

  getProtocol (protocol: string): AggregateNode {
    let node = this.protocols.get(protocol)

    if (node == null) {
      node = new AggregateNode(this, { kind: 'protocol', key: protocol, limit: this.limiter.getProtocolLimits(protocol), parent: this.normal.system })
      this.protocols.set(protocol, node)
      node.queueIfIdle()
    }

    return node
  }

  getPeer (peer: PeerId): AggregateNode {
    const key = peer.toString()
    let node = this.peers.get(key)

    if (node == null) {
      node = new AggregateNode(this, { kind: 'peer', key, peer, limit: this.limiter.getPeerLimits(peer), parent: this.normal.system })
      this.peers.set(key, node)
      node.queueIfIdle()
    }

    return node
  }

  /**
   * The share of a peer in a protocol or service. It has no parent: what it holds
   * is counted in the peer and in the group by its streams themselves.
   */
  getPeerChild (peerNode: AggregateNode, group: AggregateNode): PeerChildNode {
    peerNode.children ??= new Map()
    let node = peerNode.children.get(group)

    if (node == null) {
      const isProtocol = group.kind === 'protocol'

      node = new AggregateNode(this, {
        kind: isProtocol ? 'protocolPeer' : 'servicePeer',
        key: peerNode.key,
        limit: isProtocol ? this.limiter.getProtocolPeerLimits(group.key) : this.limiter.getServicePeerLimits(group.key),
        peerNode,
        group
      }) as PeerChildNode
      peerNode.children.set(group, node)
      node.queueIfIdle()
    }

    return node
  }

  // what is opened

  /**
   * Opens a connection under one of the pairs, or answers why not. A number is
   * used up either way.
   */
  openConnection (direction: MessageStreamDirection, usefd: boolean, endpoint?: Multiaddr, pair: ScopePair = this.normal): ConnectionNode | Refusal {
    checkDirection(direction)

    const connection = new ConnectionNode(this, ++this.#connections, this.limiter.getConnLimits(), direction === 'inbound', usefd, pair, endpoint)
    const node = connection.firstWithoutRoom()

    if (node != null) {
      const held = node instanceof AggregateNode ? node : NOTHING
      const refusal = this.refuse(findConnectionShortage(connection, node, held, connection.usage))

      if (refusal != null) {
        return refusal
      }
    }

    connection.enter()

    return connection
  }

  /**
   * Opens a stream of a peer under one of the pairs, or answers why not. A number
   * is used up either way.
   */
  openStream (peer: PeerId, direction: MessageStreamDirection, pair: ScopePair = this.normal): StreamNode | Refusal {
    checkPeer(peer)
    checkDirection(direction)

    const stream = new StreamNode(this, ++this.#streams, this.limiter.getStreamLimits(peer), this.getPeer(peer), direction === 'inbound', pair)
    const node = stream.firstWithoutRoom()

    if (node != null) {
      const held = node instanceof AggregateNode ? node : NOTHING
      const refusal = this.refuse(findStreamShortage(stream, node, held, stream.usage))

      if (refusal != null) {
        return refusal
      }
    }

    stream.enter()

    return stream
  }

  openService (service: string): ServiceSpanNode {
    checkName('service', service)

    const node = this.getService(service)
    node.references++

    return new ServiceSpanNode(this, node, ++node.spans)
  }

  openSpan (owner: AggregateNode | OwnedNode, serial: number): SpanNode {
    return new SpanNode(this, owner, serial)
  }

  // what is refused

  /**
   * Counts and reports what does not fit. The answer is what the caller has to
   * turn down: nothing where limits are not enforced.
   */
  refuse (refusal: Refusal | undefined): Refusal | undefined {
    if (refusal == null) {
      return
    }

    this.refusals.add(refusal)

    if (refusal.node instanceof AggregateNode) {
      refusal.node.refusals++
    }

    this.#observer.onRefusal(refusal)

    return this.#enforce ? refusal : undefined
  }

  errorOf (refusal: Refusal): ResourceLimitExceededError {
    return this.#captureStackTraces ? refusal.toError() : withoutStackTrace(() => refusal.toError())
  }

  reportOverRelease (node: { name: string }, resource: string, released: number, held: number): void {
    this.#observer.onOverRelease(node.name, resource, released, held)
  }

  #collect (node: AggregateNode): void {
    node.closed = true

    if (node.group != null) {
      node.peerNode?.children?.delete(node.group)
    } else if (node.kind === 'peer') {
      this.peers.delete(node.key)
    } else {
      this.protocols.delete(node.key)
    }
  }
}
