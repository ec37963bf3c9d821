import { UNLIMITED } from '../limits/limit.ts'
import { AggregateScope } from '../scopes/aggregate-scope.ts'
import { findPeerChild } from '../scopes/peer-children.ts'
import { DefaultStreamScope } from '../scopes/stream-scope.ts'
import type { AggregateScopeInit, PeerShareScope } from '../scopes/aggregate-scope.ts'
import type { Destinations } from '../scopes/moves.ts'
import type { RefusingScope } from '../scopes/refusal.ts'
import type { ScopeGraph } from '../scopes/scope-graph.ts'
import type { Usage } from '../scopes/usage.ts'
import type { MessageStreamDirection, PeerId } from '@libp2p/interface'

/**
 * A scope that exists, or one that would be made
 */
export type Constraint = RefusingScope & Usage

/**
 * The scopes of a graph. Where there is none yet, it is one like the graph would make, but is not in the
 * graph: it has a limit, and holds nothing.
 */
export class ImaginedScopes implements Destinations {
  readonly graph: ScopeGraph

  constructor (graph: ScopeGraph) {
    this.graph = graph
  }

  /**
   * @param peer - left out where it is nobody in particular
   */
  getPeer (peer?: PeerId): AggregateScope {
    const key = peer?.toString() ?? ''

    return this.graph.peers.get(key) ?? this.#make({ kind: 'peer', key, peer })
  }

  getProtocol (key: string): AggregateScope {
    return this.graph.protocols.get(key) ?? this.#make({ kind: 'protocol', key })
  }

  getService (key: string): AggregateScope {
    return this.graph.services.get(key) ?? this.#make({ kind: 'service', key })
  }

  getPeerChild (peerScope: AggregateScope, whole: AggregateScope): PeerShareScope {
    return findPeerChild(peerScope, whole) ?? this.#make({ kind: `${whole.kind as 'protocol' | 'service'}Peer`, key: peerScope.key, peerScope, whole }) as PeerShareScope
  }

  /**
   * A stream that is not counted, and has no number
   *
   * @param direction
   * @param peer - left out where only what is for all of them constrains it
   */
  streamOf (direction: MessageStreamDirection, peer?: PeerId): DefaultStreamScope {
    const { graph } = this

    return new DefaultStreamScope(graph, 0, peer == null ? UNLIMITED : graph.limiter.getStreamLimits(peer), this.getPeer(peer), direction === 'inbound', graph.normal)
  }

  #make (init: AggregateScopeInit): AggregateScope {
    // nobody in particular has no limit
    return init.key === '' ? new AggregateScope(this.graph, UNLIMITED, init) : this.graph.make(init)
  }
}
