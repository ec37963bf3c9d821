import { sharedScopes } from '../scopes/all-scopes.ts'
import { inSlices } from '../util/slices.ts'
import { DISTRIBUTIONS } from './distribution-metrics.ts'
import { Distributed } from './distribution.ts'
import { LimitShares } from './limit-shares.ts'
import type { Distribution, DistributionFamily } from './distribution.ts'
import type { AggregateScope } from '../scopes/aggregate-scope.ts'
import type { ScopeGraph } from '../scopes/scope-graph.ts'
import type { ScopeKind } from '../scopes/scope-kind.ts'
import type { Slice } from '../util/slices.ts'

/**
 * What only all scopes together can tell
 */
export interface ScopeFigures {
  /** How full the fullest scope of each kind is */
  fullest: Map<ScopeKind, LimitShares>
  distributions: Map<DistributionFamily, Distribution[]>
}

const reading = new WeakMap<ScopeGraph, Promise<ScopeFigures>>()

/**
 * Reads all scopes once, in slices where there are very many. A scope that comes or goes
 * meanwhile may be counted or not.
 *
 * Everybody who asks before the end, such as the metrics of one scrape, gets the same answer.
 */
export async function readScopeFigures (graph: ScopeGraph): Promise<ScopeFigures> {
  let figures = reading.get(graph)

  if (figures == null) {
    figures = inSlices(slice => readAll(graph, slice)).finally(() => { reading.delete(graph) })
    reading.set(graph, figures)
  }

  return figures
}

function * readAll (graph: ScopeGraph, slice: Slice): Generator<undefined, ScopeFigures, undefined> {
  const fullest = new Map<ScopeKind, LimitShares>()
  const ofPeers = DISTRIBUTIONS.filter(({ ofPeer }) => ofPeer != null).map(family => new Distributed(family))
  const ofConnections = DISTRIBUTIONS.filter(({ ofConnection }) => ofConnection != null).map(family => new Distributed(family))

  for (const scope of sharedScopes(graph)) {
    sharesOf(fullest, scope).add(scope)

    if (slice.over) {
      yield
    }
  }

  for (const peer of graph.peers.values()) {
    addPeer(fullest, peer)
    ofPeers.forEach(distributed => { distributed.addPeer(peer) })

    if (slice.over) {
      yield
    }
  }

  // the list itself changes its order when something leaves it
  for (const connection of [...graph.connections]) {
    if (!connection.closed) {
      ofConnections.forEach(distributed => { distributed.addConnection(connection) })
    }

    if (slice.over) {
      yield
    }
  }

  return {
    fullest,
    distributions: new Map([...ofPeers, ...ofConnections].map(({ family, distributions }) => [family, distributions]))
  }
}

function addPeer (fullest: Map<ScopeKind, LimitShares>, peer: AggregateScope): void {
  sharesOf(fullest, peer).add(peer)

  for (let child = peer.firstChild; child != null; child = child.nextSibling) {
    sharesOf(fullest, child).add(child)
  }
}

function sharesOf (fullest: Map<ScopeKind, LimitShares>, { kind }: AggregateScope): LimitShares {
  let shares = fullest.get(kind)

  if (shares == null) {
    shares = new LimitShares()
    fullest.set(kind, shares)
  }

  return shares
}
