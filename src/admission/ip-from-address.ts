import { CODE_IP4, CODE_IP6, CODE_IP6ZONE, CODE_P2P_CIRCUIT } from '@multiformats/multiaddr'
import { parseIP, parseIPv4, parseIPv6 } from './ip-address.ts'
import type { IPAddress } from './ip-address.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * The IP address of the other end of a socket.
 *
 * Answers `undefined` for addresses that have none (DNS names, memory, Unix
 * sockets, onion services) and for `/p2p-circuit` addresses: the IP address in
 * them is the one of the relay. A zone id (`/ip6zone/…`) is ignored.
 */
export function ipFromMultiaddr (address: Multiaddr): IPAddress | undefined {
  const components = address.getComponents()
  const position = components[0]?.code === CODE_IP6ZONE ? 1 : 0
  const component = components[position]

  if (component?.value == null || (component.code !== CODE_IP4 && component.code !== CODE_IP6)) {
    return undefined
  }

  for (let i = position + 1; i < components.length; i++) {
    if (components[i].code === CODE_P2P_CIRCUIT) {
      return undefined
    }
  }

  return component.code === CODE_IP4 ? parseIPv4(component.value) : parseIPv6(component.value)
}

/**
 * The IP address of an address in any form in which transports have it: a
 * multiaddr, an IP address as text, or `host:port` as text, such as
 * `1.2.3.4:4001` or `[2001:db8::1]:4001`.
 *
 * Answers `undefined` when there is no IP address in it.
 */
export function ipFromAddress (address: string | Multiaddr): IPAddress | undefined {
  if (typeof address !== 'string') {
    return ipFromMultiaddr(address)
  }

  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(address)

  if (bracketed != null) {
    return parseIPv6(bracketed[1])
  }

  const withPort = /^([\d.]+):\d+$/.exec(address)

  return parseIP(withPort == null ? address : withPort[1])
}
