import { findPeerChild } from '../scopes/peer-children.ts'
import { NOTHING } from '../scopes/usage.ts'
import type { Limit } from '../limits/limit.ts'
import type { AggregateScope } from '../scopes/aggregate-scope.ts'
import type { RefusingScope } from '../scopes/refusal.ts'
import type { ScopeGraph } from '../scopes/scope-graph.ts'
import type { ScopeKind } from '../scopes/scope-kind.ts'
import type { Usage } from '../scopes/usage.ts'
import type { PeerId } from '@libp2p/interface'

/**
 * A scope that exists, or one that would be made
 */
export type Constraint = RefusingScope & Usage

/**
 * What a request is about
 */
export interface Target {
  peer?: PeerId
  protocol?: string
  service?: string
}

// the scopes in the order in which they are asked by what moves there: all of something before the share
// that the peer has of it

export function peerOf (graph: ScopeGraph, { peer }: Target): Constraint[] {
  if (peer == null) {
    return []
  }

  const key = peer.toString()

  return [graph.peers.get(key) ?? imagine(graph, 'peer', key, graph.limiter.getPeerLimits(peer))]
}

export function protocolOf (graph: ScopeGraph, { peer, protocol }: Target): Constraint[] {
  if (protocol == null) {
    return []
  }

  const group = graph.protocols.get(protocol)
  const scope = group ?? imagine(graph, 'protocol', protocol, graph.limiter.getProtocolLimits(protocol))

  if (peer == null) {
    return [scope]
  }

  const child = shareOf(graph, peer, group)

  return [scope, child ?? imagine(graph, 'protocolPeer', protocol, graph.limiter.getProtocolPeerLimits(protocol), peer)]
}

export function serviceOf (graph: ScopeGraph, { peer, service }: Target): Constraint[] {
  if (service == null) {
    return []
  }

  const group = graph.services.get(service)
  const scope = group ?? imagine(graph, 'service', service, graph.limiter.getServiceLimits(service))

  if (peer == null) {
    return [scope]
  }

  const child = shareOf(graph, peer, group)

  return [scope, child ?? imagine(graph, 'servicePeer', service, graph.limiter.getServicePeerLimits(service), peer)]
}

function shareOf (graph: ScopeGraph, peer: PeerId, group?: AggregateScope): AggregateScope | undefined {
  const peerScope = graph.peers.get(peer.toString())

  return group == null || peerScope == null ? undefined : findPeerChild(peerScope, group)
}

/**
 * A scope that would be made: it has a limit, and holds nothing
 */
export function imagine (graph: ScopeGraph, kind: ScopeKind, key: string, limit: Limit, peer?: PeerId): Constraint {
  const prefix = peer == null ? kind : kind.slice(0, -'Peer'.length)

  return {
    ...NOTHING,
    reserved: 0,
    kind,
    name: `${prefix}${key === '' ? '' : `:${key}`}${peer == null ? '' : `.peer:${peer}`}`,
    limit,
    limitPath: graph.limitPath(kind, key)
  }
}
