import { CODE_P2P_CIRCUIT, CODE_TCP, CODE_UNIX } from '@multiformats/multiaddr'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Whether a connection to or from an address has a file descriptor of its own:
 * TCP, WebSockets and Unix sockets have one. The data of
 * relayed connections is in streams of another connection, and UDP transports
 * share a socket.
 */
export function usesFileDescriptor (address: Multiaddr): boolean {
  const components = address.getComponents()

  return components.some(({ code }) => code === CODE_TCP || code === CODE_UNIX) &&
    !components.some(({ code }) => code === CODE_P2P_CIRCUIT)
}
