import type { AggregateScope } from './aggregate-scope.ts'
import type { ScopePair } from './scope-pair.ts'

/**
 * Where they are
 */
type Scopes = Record<'normal' | 'allowlisted', ScopePair> & Record<'services' | 'protocols' | 'peers', { values(): Iterable<AggregateScope> }>

/**
 * The scopes that many peers share: the singles, then services and protocols
 */
export function * sharedScopes (graph: Omit<Scopes, 'peers'>): Generator<AggregateScope> {
  yield graph.normal.system
  yield graph.normal.transient
  yield graph.allowlisted.system
  yield graph.allowlisted.transient
  yield * graph.services.values()
  yield * graph.protocols.values()
}

/**
 * All scopes that add up what others hold: those that many peers share, then peers with
 * their shares
 */
export function * allScopes (graph: Scopes): Generator<AggregateScope> {
  yield * sharedScopes(graph)

  for (const peer of graph.peers.values()) {
    yield peer

    // not by another generator: there are very many
    for (let child = peer.firstChild; child !== undefined; child = child.nextSibling) {
      yield child
    }
  }
}
