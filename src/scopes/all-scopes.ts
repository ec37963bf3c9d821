import type { AggregateScope } from './aggregate-scope.ts'
import type { ScopePair } from './scope-pair.ts'

type Scopes = Record<'normal' | 'allowlisted', ScopePair> & Record<'services' | 'protocols' | 'peers', { values(): Iterable<AggregateScope> }>

/**
 * The scopes that many peers share: systems and transients, then services and protocols
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
 * All scopes that add up others: those that many peers share, then peers, each with its shares
 */
export function * allScopes (graph: Scopes): Generator<AggregateScope> {
  yield * sharedScopes(graph)

  for (const peer of graph.peers.values()) {
    yield peer

    // not `peerChildren`: there are very many peers, and each would need a generator
    for (let child = peer.firstChild; child !== undefined; child = child.nextSibling) {
      yield child
    }
  }
}
