/**
 * The kinds of edges. Until the peer of a connection or the protocol of a stream is known, transient
 * takes the place of `peer` or `protocolPeer`.
 */
export type EdgeRole = 'peer' | 'protocolPeer' | 'servicePeer' | 'protocol' | 'service' | 'system'

/**
 * The order in which edges are listed and asked for memory, by connections, streams and `explain`.
 *
 * If all edges have room, the order does not matter: `edgesHaveMemory` of a connection or stream
 * asks in any order.
 */
export function inOrder <T> ({ peer, protocol, protocolPeer, service, servicePeer, system }: Partial<Record<EdgeRole, T>>): T[] {
  return [peer, protocolPeer, servicePeer, protocol, service, system].filter(scope => scope != null)
}
