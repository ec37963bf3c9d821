import { LIMIT_FIELDS } from '../limits/limit.ts'
import { sharedScopes } from '../scopes/all-scopes.ts'
import { peerChildren } from '../scopes/peer-children.ts'
import { usageOf } from './scope-usage.ts'
import type { ScopeUsage } from './scope-usage.ts'
import type { AggregateScope } from '../scopes/aggregate-scope.ts'
import type { ScopeGraph } from '../scopes/scope-graph.ts'

/**
 * All limits of the scope with a name, such as `system` or `peer:12D3Koo…`, including unused
 * and unlimited ones. A peer is followed by its shares of protocols and services.
 *
 * @returns nothing where there is no such scope
 */
export function limitsOfScope (graph: ScopeGraph, name: string): ScopeUsage[] {
  return Array.from(scopesNamed(graph, name)).flatMap(scope => LIMIT_FIELDS.map(field => usageOf(scope, field)))
}

const PEER = 'peer:'

function * scopesNamed (graph: ScopeGraph, name: string): Generator<AggregateScope> {
  for (const scope of sharedScopes(graph)) {
    if (scope.name === name) {
      yield scope
      return
    }
  }

  const peer = graph.peers.get(name.slice(name.lastIndexOf(PEER) + PEER.length))

  if (peer === undefined) {
    return
  }

  const isPeer = peer.name === name

  if (isPeer) {
    yield peer
  }

  for (const child of peerChildren(peer)) {
    if (isPeer || child.name === name) {
      yield child
    }
  }
}
