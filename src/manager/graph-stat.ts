import { atOnce } from '../util/slices.ts'
import type { ResourceManagerStat } from './resource-manager-stat.ts'
import type { AggregateScope } from '../scopes/aggregate-scope.ts'
import type { ScopeStat } from '../scopes/resource-scope.ts'
import type { ScopeGraph } from '../scopes/scope-graph.ts'
import type { Slice } from '../util/slices.ts'

/**
 * What all scopes of a graph hold
 */
export function graphStat (graph: ScopeGraph): ResourceManagerStat {
  return atOnce(slice => readGraph(graph, slice))
}

/**
 * The same in slices: each figure was true at some time meanwhile
 */
export function * readGraph ({ normal, allowlisted, services, protocols, peers }: ScopeGraph, slice: Slice): Generator<undefined, ResourceManagerStat, undefined> {
  return {
    system: normal.system.stat(),
    transient: normal.transient.stat(),
    allowlistedSystem: allowlisted.system.stat(),
    allowlistedTransient: allowlisted.transient.stat(),
    services: yield * stats(services, slice),
    protocols: yield * stats(protocols, slice),
    peers: yield * stats(peers, slice)
  }
}

function * stats (scopes: Iterable<[string, AggregateScope]>, slice: Slice): Generator<undefined, Record<string, ScopeStat>, undefined> {
  const result: Record<string, ScopeStat> = {}

  for (const [key, scope] of scopes) {
    if (key === '__proto__') {
      // a name like any other
      Object.defineProperty(result, key, { value: scope.stat(), configurable: true, enumerable: true, writable: true })
    } else {
      result[key] = scope.stat()
    }

    if (slice.over) {
      yield
    }
  }

  return result
}
