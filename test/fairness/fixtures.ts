import { multiaddr } from '@multiformats/multiaddr'
import { FairShares } from '../../src/fairness/fair-shares.ts'
import { resolveFairness } from '../../src/fairness/fairness-init.ts'
import { ConcreteLimiter } from '../../src/limits/limiter.ts'
import { ScopeOpener } from '../../src/scope-opener.ts'
import { ConnectionNode } from '../../src/scopes/connection-node.ts'
import { ScopeGraph } from '../../src/scopes/scope-graph.ts'
import { StreamNode } from '../../src/scopes/stream-node.ts'
import { fakePeer, unlimitedBut } from '../scopes/fixtures.ts'
import type { FairnessInit } from '../../src/fairness/fairness-init.ts'
import type { PartialLimitConfig } from '../../src/limits/limit-config.ts'
import type { BaseCosts } from '../../src/scope-opener.ts'
import type { MovableNode } from '../../src/scopes/movable-node.ts'
import type { AnyRefusal } from '../../src/scopes/refusal.ts'
import type { PeerId } from '@libp2p/interface'

/**
 * One end of a connection or stream, which ends when it is told to
 */
class Holder {
  active = 0
  rtt?: number
  useful?: number
  readonly node: MovableNode
  readonly #evicted: (node: MovableNode) => void

  constructor (node: MovableNode, evicted: (node: MovableNode) => void) {
    this.node = node
    this.#evicted = evicted
  }

  evict (): boolean {
    this.node.done()
    this.#evicted(this.node)

    return true
  }
}

export interface WorldInit {
  limits: PartialLimitConfig
  fairness?: FairnessInit
  enforce?: boolean
  baseCosts?: BaseCosts
  worth?(node: MovableNode): number
  services?: Record<string, string>
}

/**
 * A graph that is shared fairly, and all that is in it
 */
export class FairWorld {
  readonly graph: ScopeGraph
  readonly shares: FairShares
  readonly connections: ConnectionNode[] = []
  readonly streams: StreamNode[] = []

  /** What has given way, in this order */
  readonly evicted: MovableNode[] = []

  /** How often something was refused */
  refused = 0
  now = 0

  /** Is called by what gives way */
  onEvict?: (node: MovableNode) => void
  readonly #opener: ScopeOpener
  readonly #peers = new Map<number, PeerId>()

  constructor ({ baseCosts, enforce = true, fairness, limits, services = {}, worth = () => 0 }: WorldInit) {
    this.graph = new ScopeGraph({
      limiter: new ConcreteLimiter(unlimitedBut(limits)),
      enforce,
      captureStackTraces: false,
      observer: { onRefusal: () => { this.refused++ }, onEviction: () => {}, onOverRelease: () => {} }
    })
    this.#opener = new ScopeOpener(this.graph)
    this.#opener.baseCosts = baseCosts ?? { connection: 0, stream: 0 }
    this.shares = new FairShares({
      graph: this.graph,
      config: resolveFairness(fairness),
      connections: () => this.connections,
      streams: () => this.streams,
      worth,
      serviceOf: protocol => services[protocol],
      now: () => this.now,
      key: new Uint8Array(8)
    })
    this.graph.roomMakers.push(this.shares)
  }

  peer (index: number): PeerId {
    let peer = this.#peers.get(index)

    if (peer == null) {
      peer = fakePeer(index)
      this.#peers.set(index, peer)
    }

    return peer
  }

  /**
   * An inbound connection whose peer is not known
   *
   * @param from - an IPv4 address, or what a connection has for one
   */
  accept (from: string): ConnectionNode | AnyRefusal {
    const address = multiaddr(from.startsWith('/') ? from : `/ip4/${from}/tcp/1`)

    return this.#keep(this.#opener.openConnection('inbound', true, address), this.connections)
  }

  /**
   * An inbound connection of a peer
   */
  connect (ip: string, peer: number): ConnectionNode | AnyRefusal {
    const opened = this.accept(ip)

    return opened instanceof ConnectionNode ? opened.trySetPeer(this.peer(peer)) ?? opened : opened
  }

  /**
   * An outbound connection with a peer
   */
  dial (ip: string, peer: number): ConnectionNode {
    const opened = this.#keep(this.#opener.openConnection('outbound', true, multiaddr(`/ip4/${ip}/tcp/1`)), this.connections)

    if (!(opened instanceof ConnectionNode)) {
      throw new Error('the dial was refused')
    }

    opened.setPeer(this.peer(peer))

    return opened
  }

  /**
   * An inbound stream that has got as far as it is said what it is for
   */
  stream (connection: ConnectionNode, protocol?: string, service?: string): StreamNode | AnyRefusal {
    const opened = this.#keep(this.#opener.openStream(connection.peerNode?.peer as PeerId, 'inbound', connection), this.streams)

    if (!(opened instanceof StreamNode)) {
      return opened
    }

    const refusal = (protocol == null ? undefined : opened.trySetProtocol(protocol)) ??
      (service == null ? undefined : opened.trySetService(service))

    if (refusal != null) {
      opened.done()
    }

    return refusal ?? opened
  }

  #keep <T extends ConnectionNode | StreamNode> (opened: T | AnyRefusal, list: T[]): T | AnyRefusal {
    if (opened instanceof ConnectionNode || opened instanceof StreamNode) {
      opened.holder = new Holder(opened, node => {
        this.evicted.push(node)
        this.onEvict?.(node)
      })
      list.push(opened)
    }

    return opened
  }
}

/**
 * The connection or stream, which must have been opened
 */
export function opened <T extends ConnectionNode | StreamNode> (result: T | AnyRefusal): T {
  if (result instanceof ConnectionNode || result instanceof StreamNode) {
    return result
  }

  throw (result as AnyRefusal).toError()
}
