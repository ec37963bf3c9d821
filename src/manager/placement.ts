import type { BaseCosts, Opening } from './opening.ts'
import type { Trust } from './trust.ts'
import type { DefaultConnectionScope } from '../scopes/connection-scope.ts'
import type { Refusal } from '../scopes/refusal.ts'
import type { ConnectionScope } from '../scopes/resource-scope.ts'
import type { ScopeGraph } from '../scopes/scope-graph.ts'
import type { DefaultStreamScope } from '../scopes/stream-scope.ts'
import type { PeerId } from '@libp2p/interface'

/**
 * What is needed to find a place for a connection or stream
 */
export interface PlacementSource {
  readonly baseCosts: BaseCosts
  readonly graph: ScopeGraph
  readonly trust: Trust

  /**
   * Why a connection does not fit into its scopes, or the node may not have one more, if so
   */
  findConnection(connection: DefaultConnectionScope): Refusal | undefined
}

/**
 * Finds a place for a connection that does not fit into the normal pair, or answers why there is none.
 * First it is tried in the allowlisted pair, then others may give way, then it may prove that it is
 * trusted.
 */
export function placeConnection (source: PlacementSource, how: Opening, connection: DefaultConnectionScope, reason: Refusal | undefined): DefaultConnectionScope | Refusal {
  const { endpoint } = connection
  const { graph, trust } = source

  if (endpoint !== undefined && trust.isAllowlisted(endpoint)) {
    connection = how.newConnection(connection.inbound ? 'inbound' : 'outbound', connection.usefd, graph.allowlisted, endpoint)
    reason = source.findConnection(connection)
  }

  if (reason !== undefined && how.canMakeRoom) {
    reason = roomForConnection(source, how, connection, reason)
  }

  // in this order: the conditions that every refusal meets are cheap
  if (reason !== undefined && trust.namesPeers && reason.fullScope === graph.normal.system) {
    const prover = how.prove(connection, source.baseCosts.connection)

    if (prover !== undefined) {
      return prover
    }
  }

  return reason === undefined ? connection : how.refuse(reason) ?? connection
}

/**
 * Finds a place for a stream that does not fit into the normal pair, or answers why there is none.
 * First it is tried in the allowlisted pair, then others may give way.
 */
export function placeStream (source: PlacementSource, how: Opening, stream: DefaultStreamScope, reason: Refusal | undefined, peer: PeerId, connection?: Pick<ConnectionScope, 'allowlisted'>): Refusal | undefined {
  if (connection !== undefined && source.trust.isTrusted(peer, connection)) {
    stream.pair = source.graph.allowlisted
    reason = stream.findRefusal(source.baseCosts.stream)
  }

  if (reason !== undefined && how.canMakeRoom) {
    reason = roomForStream(source, how, stream, reason)
  }

  return reason === undefined ? undefined : how.refuse(reason)
}

// functions of their own: a closure makes all of the function slower that has it

function roomForConnection (source: PlacementSource, how: Opening, connection: DefaultConnectionScope, reason: Refusal): Refusal | undefined {
  return how.makeRoom(reason, connection, () => source.findConnection(connection))
}

function roomForStream ({ baseCosts }: PlacementSource, how: Opening, stream: DefaultStreamScope, reason: Refusal): Refusal | undefined {
  return how.makeRoom(reason, stream, () => stream.findRefusal(baseCosts.stream))
}
