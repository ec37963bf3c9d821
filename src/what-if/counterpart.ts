import { NamedPeer } from './named-peer.ts'
import type { AggregateScope } from '../scopes/aggregate-scope.ts'
import type { ScopeGraph } from '../scopes/scope-graph.ts'

type Described = Pick<AggregateScope, 'kind' | 'key'> & { whole?: Pick<AggregateScope, 'kind' | 'key'> | undefined }

/**
 * The scope of a graph that corresponds to a scope of another graph. It is made if there is
 * none.
 */
export function counterpart (graph: ScopeGraph, { whole, key, kind }: Described): AggregateScope {
  switch (kind) {
    case 'transient':
      return graph.normal.transient
    case 'allowlistedSystem':
      return graph.allowlisted.system
    case 'allowlistedTransient':
      return graph.allowlisted.transient
    case 'service':
      return graph.getService(key)
    case 'protocol':
      return graph.getProtocol(key)
    case 'peer':
      return graph.getPeer(new NamedPeer(key))
    case 'servicePeer':
    case 'protocolPeer':
      return graph.getPeerChild(graph.getPeer(new NamedPeer(key)), counterpart(graph, whole as Described))
    default:
      return graph.normal.system
  }
}
