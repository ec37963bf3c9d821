import { DISTRIBUTIONS } from './distribution-metrics.ts'
import { Distributed } from './distribution.ts'
import { LimitShares } from './limit-shares.ts'
import type { Distribution, DistributionFamily } from './distribution.ts'
import type { AggregateScope } from '../scopes/aggregate-scope.ts'
import type { ScopeGraph } from '../scopes/scope-graph.ts'
import type { ScopeKind } from '../scopes/scope-kind.ts'

/**
 * How long a look at everything may hold the event loop at a time, in ms
 */
const SLICE_DURATION = 1

/**
 * How many peers or connections are looked at between two looks at the clock
 */
const LOOKED_AT_ONCE = 64

/**
 * What can only be found out by looking at all scopes
 */
export interface ScopeFigures {
  /** How full the fullest scope of each kind is */
  fullest: Map<ScopeKind, LimitShares>
  distributions: Map<DistributionFamily, Distribution[]>
}

/**
 * Lets others have the event loop when it has been held for long enough
 */
class Slices {
  #looked = 0
  #end = performance.now() + SLICE_DURATION

  /**
   * @returns Whether `next` is to be waited for
   */
  get over (): boolean {
    return ++this.#looked % LOOKED_AT_ONCE === 0 && performance.now() > this.#end
  }

  async next (): Promise<void> {
    await new Promise<void>(resolve => { setTimeout(resolve, 0) })
    this.#end = performance.now() + SLICE_DURATION
  }
}

const reading = new WeakMap<ScopeGraph, Promise<ScopeFigures>>()

/**
 * Looks at all scopes once, in slices where there are very many. What comes or goes
 * meanwhile may be part of it or not.
 *
 * All that ask before it has ended, such as the metrics of one scrape, get the same answer.
 */
export async function readScopeFigures (graph: ScopeGraph): Promise<ScopeFigures> {
  let figures = reading.get(graph)

  if (figures == null) {
    figures = lookAtAll(graph).finally(() => { reading.delete(graph) })
    reading.set(graph, figures)
  }

  return figures
}

async function lookAtAll (graph: ScopeGraph): Promise<ScopeFigures> {
  const fullest = new Map<ScopeKind, LimitShares>()
  const slices = new Slices()
  const ofPeers = DISTRIBUTIONS.filter(({ ofPeer }) => ofPeer != null).map(family => new Distributed(family))
  const ofConnections = DISTRIBUTIONS.filter(({ ofConnection }) => ofConnection != null).map(family => new Distributed(family))

  for (const scope of groups(graph)) {
    sharesOf(fullest, scope).add(scope)

    if (slices.over) {
      await slices.next()
    }
  }

  for (const peer of graph.peers.values()) {
    addPeer(fullest, peer)
    ofPeers.forEach(distributed => { distributed.addPeer(peer) })

    if (slices.over) {
      await slices.next()
    }
  }

  // the list itself changes its order when something leaves it
  for (const connection of [...graph.connections]) {
    if (!connection.closed) {
      ofConnections.forEach(distributed => { distributed.addConnection(connection) })
    }

    if (slices.over) {
      await slices.next()
    }
  }

  return {
    fullest,
    distributions: new Map([...ofPeers, ...ofConnections].map(({ family, distributions }) => [family, distributions]))
  }
}

/**
 * The scopes that many peers share
 */
function * groups ({ allowlisted, normal, protocols, services }: ScopeGraph): Generator<AggregateScope> {
  yield normal.system
  yield normal.transient
  yield allowlisted.system
  yield allowlisted.transient
  yield * services.values()
  yield * protocols.values()
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
