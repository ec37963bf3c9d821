import { peerChildren } from './peer-children.ts'
import type { AggregateScope, ScopePair } from './aggregate-scope.ts'

/**
 * Where they are
 */
type Scopes = Record<'normal' | 'allowlisted', ScopePair> & Record<'services' | 'protocols' | 'peers', { values(): Iterable<AggregateScope> }>

/**
 * All scopes that add up what others hold: the singles, then services, protocols and
 * peers with their shares
 */
export function * allScopes (graph: Scopes): Generator<AggregateScope> {
  yield graph.normal.system
  yield graph.normal.transient
  yield graph.allowlisted.system
  yield graph.allowlisted.transient
  yield * graph.services.values()
  yield * graph.protocols.values()

  for (const peer of graph.peers.values()) {
    yield peer
    yield * peerChildren(peer)
  }
}
