import { parseIP, parseIPv4, parseIPv6 } from './ip-address.ts'
import type { IPAddress } from './ip-address.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

const IP4 = '/ip4/'
const IP6 = '/ip6/'
const IP6_ZONE = '/ip6zone/'
const P2P_CIRCUIT = '/p2p-circuit'

/**
 * The IP address of the other end of a socket.
 *
 * Answers `undefined` for addresses that have none (DNS names, memory, Unix
 * sockets, onion services) and for `/p2p-circuit` addresses: the IP address in
 * them is the one of the relay. A zone id (`/ip6zone/…`) is ignored.
 *
 * It is read from the text, which a multiaddr keeps, while it copies its components
 * for everybody who asks.
 */
export function ipFromMultiaddr (address: Multiaddr): IPAddress | undefined {
  const text = address.toString()
  const isIPv4 = text.startsWith(IP4)
  const zoneEnd = !isIPv4 && text.startsWith(IP6_ZONE) ? endOfValue(text, IP6_ZONE.length) : 0

  if (!isIPv4 && !text.startsWith(IP6, zoneEnd)) {
    return undefined
  }

  const start = zoneEnd + IP6.length
  const end = endOfValue(text, start)

  // most addresses end with a port, and what is left of them is shorter
  if (text.length - end >= P2P_CIRCUIT.length && text.includes(P2P_CIRCUIT, end)) {
    return undefined
  }

  return isIPv4 ? parseIPv4(text, start, end) : parseIPv6(text, start, end)
}

function endOfValue (text: string, start: number): number {
  const slash = text.indexOf('/', start)

  return slash === -1 ? text.length : slash
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
