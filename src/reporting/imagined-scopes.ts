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

  /**
   * Nobody in particular, and so without a limit
   */
  readonly #nobody: AggregateScope

  constructor (graph: ScopeGraph) {
    this.graph = graph
    this.#nobody = new AggregateScope(graph, UNLIMITED, this.#init('peer', ''))
  }

  getPeer (peer: PeerId): AggregateScope {
    const key = peer.toString()

    return this.graph.peers.get(key) ?? this.graph.make({ ...this.#init('peer', key), peer })
  }

  getProtocol (protocol: string): AggregateScope {
    return this.graph.protocols.get(protocol) ?? this.graph.make(this.#init('protocol', protocol))
  }

  getService (service: string): AggregateScope {
    return this.graph.services.get(service) ?? this.graph.make(this.#init('service', service))
  }

  getPeerChild (peerScope: AggregateScope, group: AggregateScope): PeerShareScope {
    const init: AggregateScopeInit = { kind: `${group.kind as 'protocol' | 'service'}Peer`, key: peerScope.key, peerScope, group }
    const share = findPeerChild(peerScope, group) ?? (peerScope === this.#nobody ? new AggregateScope(this.graph, UNLIMITED, init) : this.graph.make(init))

    return share as PeerShareScope
  }

  /**
   * A stream that is not counted, and has no number
   *
   * @param direction
   * @param peer - left out where only what is for all of them constrains it
   */
  streamOf (direction: MessageStreamDirection, peer?: PeerId): DefaultStreamScope {
    const { graph } = this
    const peerScope = peer == null ? this.#nobody : this.getPeer(peer)

    return new DefaultStreamScope(graph, 0, peer == null ? UNLIMITED : graph.limiter.getStreamLimits(peer), peerScope, direction === 'inbound', graph.normal)
  }

  #init (kind: 'peer' | 'protocol' | 'service', key: string): AggregateScopeInit {
    return { kind, key, parent: this.graph.normal.system }
  }
}
