import { multiaddr } from '@multiformats/multiaddr'
import { FairShares } from '../../src/fairness/fair-shares.ts'
import { resolveFairness } from '../../src/fairness/fairness-init.ts'
import { ConcreteLimiter } from '../../src/limits/limiter.ts'
import { Core } from '../../src/manager/core.ts'
import { DefaultConnectionScope } from '../../src/scopes/connection-scope.ts'
import { ScopeGraph } from '../../src/scopes/scope-graph.ts'
import { DefaultStreamScope, connectionOf } from '../../src/scopes/stream-scope.ts'
import { fakePeer, unlimitedBut } from '../scopes/fixtures.ts'
import type { FairnessInit } from '../../src/fairness/fairness-init.ts'
import type { PartialLimitConfig } from '../../src/limits/limit-config.ts'
import type { BaseCosts } from '../../src/manager/opening.ts'
import type { MovableScope } from '../../src/scopes/movable-scope.ts'
import type { Refusal } from '../../src/scopes/refusal.ts'
import type { PeerId } from '@libp2p/interface'

/**
 * One end of a connection or stream, which ends when it is told to
 */
class Holder {
  active = 0
  rtt?: number
  useful?: number
  readonly scope: MovableScope
  readonly connectionScope?: DefaultConnectionScope
  readonly #evicted: (scope: MovableScope) => void

  constructor (scope: MovableScope, evicted: (scope: MovableScope) => void) {
    this.scope = scope
    this.connectionScope = connectionOf(scope)
    this.#evicted = evicted
  }

  evict (): boolean {
    this.scope.done()
    this.#evicted(this.scope)

    return true
  }
}

export interface WorldInit {
  limits: PartialLimitConfig
  fairness?: FairnessInit
  enforce?: boolean
  baseCosts?: BaseCosts
  worth?(scope: MovableScope): number
  services?: Record<string, string>
}

/**
 * A graph that is shared fairly, and all that is in it
 */
export class FairWorld {
  readonly graph: ScopeGraph
  readonly shares: FairShares
  readonly connections: DefaultConnectionScope[] = []
  readonly streams: DefaultStreamScope[] = []

  /** What has given way, in this order */
  readonly evicted: MovableScope[] = []

  /** How often something was refused */
  refused = 0
  now = 0

  /** Is called by what gives way */
  onEvict?: (scope: MovableScope) => void
  readonly #opener: Core
  readonly #peers = new Map<number, PeerId>()

  constructor ({ baseCosts, enforce = true, fairness, limits, services = {}, worth = () => 0 }: WorldInit) {
    this.graph = new ScopeGraph({
      limiter: new ConcreteLimiter(unlimitedBut(limits)),
      enforce,
      captureStackTraces: false,
      observer: { onRefusal: () => { this.refused++ }, onEviction: () => {}, onOverRelease: () => {} }
    })
    this.#opener = new Core(this.graph)
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
  accept (from: string): DefaultConnectionScope | Refusal {
    const address = multiaddr(from.startsWith('/') ? from : `/ip4/${from}/tcp/1`)

    return this.#keep(this.#opener.openConnection('inbound', true, address), this.connections)
  }

  /**
   * An inbound connection of a peer
   */
  connect (ip: string, peer: number): DefaultConnectionScope | Refusal {
    const opened = this.accept(ip)

    return opened instanceof DefaultConnectionScope ? opened.trySetPeer(this.peer(peer)) ?? opened : opened
  }

  /**
   * An outbound connection with a peer
   */
  dial (ip: string, peer: number): DefaultConnectionScope {
    const opened = this.#keep(this.#opener.openConnection('outbound', true, multiaddr(`/ip4/${ip}/tcp/1`)), this.connections)

    if (!(opened instanceof DefaultConnectionScope)) {
      throw new Error('the dial was refused')
    }

    opened.setPeer(this.peer(peer))

    return opened
  }

  /**
   * An inbound stream that has got as far as it is said what it is for
   */
  stream (connection: DefaultConnectionScope, protocol?: string, service?: string): DefaultStreamScope | Refusal {
    const opened = this.#keep(this.#opener.openStream(connection.peerScope?.peer as PeerId, 'inbound', connection), this.streams)

    if (!(opened instanceof DefaultStreamScope)) {
      return opened
    }

    const refusal = (protocol == null ? undefined : opened.trySetProtocol(protocol)) ??
      (service == null ? undefined : opened.trySetService(service))

    if (refusal != null) {
      opened.done()
    }

    return refusal ?? opened
  }

  #keep <T extends DefaultConnectionScope | DefaultStreamScope> (opened: T | Refusal, list: T[]): T | Refusal {
    if (opened instanceof DefaultConnectionScope || opened instanceof DefaultStreamScope) {
      opened.holder = new Holder(opened, scope => {
        this.evicted.push(scope)
        this.onEvict?.(scope)
      })
      list.push(opened)
    }

    return opened
  }
}

/**
 * The connection or stream, which must have been opened
 */
export function opened <T extends DefaultConnectionScope | DefaultStreamScope> (result: T | Refusal): T {
  if (result instanceof DefaultConnectionScope || result instanceof DefaultStreamScope) {
    return result
  }

  throw (result as Refusal).toError()
}
