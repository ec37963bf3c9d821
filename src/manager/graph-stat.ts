import type { ResourceManagerStat } from './resource-manager-stat.ts'
import type { AggregateScope } from '../scopes/aggregate-scope.ts'
import type { ScopeStat } from '../scopes/resource-scope.ts'
import type { ScopeGraph } from '../scopes/scope-graph.ts'

/**
 * What all scopes of a graph hold
 */
export function graphStat ({ normal, allowlisted, services, protocols, peers }: ScopeGraph): ResourceManagerStat {
  return {
    system: normal.system.stat(),
    transient: normal.transient.stat(),
    allowlistedSystem: allowlisted.system.stat(),
    allowlistedTransient: allowlisted.transient.stat(),
    services: stats(services),
    protocols: stats(protocols),
    peers: stats(peers)
  }
}

function stats (scopes: Iterable<[string, AggregateScope]>): Record<string, ScopeStat> {
  // not by assignment: a name such as `__proto__` is one like any other
  return Object.fromEntries(Array.from(scopes, ([key, scope]) => [key, scope.stat()]))
}
