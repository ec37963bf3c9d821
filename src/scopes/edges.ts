/**
 * The scopes that something may be counted in beside itself. As long as the peer of a connection, or the
 * protocol of a stream, is not known, transient is in the place of `peer` or `protocolPeer`.
 */
export type EdgeRole = 'peer' | 'protocolPeer' | 'servicePeer' | 'protocol' | 'service' | 'system'

/**
 * The order in which scopes are asked for memory, and in which they are listed: connections and
 * streams have their edges from it, and `explain` has what it looks at.
 *
 * Where there is room in all of them, the order does not matter: `edgesHaveMemory` of a connection
 * or stream only says whether there is.
 */
export function inOrder <T> ({ peer, protocol, protocolPeer, service, servicePeer, system }: Partial<Record<EdgeRole, T>>): T[] {
  return [peer, protocolPeer, servicePeer, protocol, service, system].filter(scope => scope != null)
}
