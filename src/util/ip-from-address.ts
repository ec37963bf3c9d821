import { lastIPv4, lastIPv6, parseIP, parseIPv6, readPart } from './parse-ip.ts'
import type { IPAddress } from './ip-address.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

const IP6 = '/ip6/'
const IP6_ZONE = '/ip6zone/'
const P2P_CIRCUIT = '/p2p-circuit'

const CODE_SLASH = 0x2f
const CODE_4 = 0x34
const CODE_6 = 0x36
const CODE_I = 0x69
const CODE_P = 0x70

/**
 * The IP address of the other end of a socket.
 *
 * Answers `undefined` for addresses that have none (DNS names, memory, Unix
 * sockets, onion services) and for `/p2p-circuit` addresses: the IP address in
 * them is the one of the relay. A zone id (`/ip6zone/…`) is ignored.
 *
 * This reads the text, which a multiaddr keeps: it copies its components for everybody who
 * asks.
 */
export function ipFromMultiaddr (address: Multiaddr): IPAddress | undefined {
  if (address !== lastRead) {
    lastIP = ipFromMultiaddrText(address.toString())
    lastRead = address
  }

  return lastIP
}

/**
 * All decisions about the address of a connection are made in one step, and ask for the same
 * address several times
 */
let lastRead: Multiaddr | undefined
let lastIP: IPAddress | undefined

/**
 * The same where there is only the text of a multiaddr
 */
export function ipFromMultiaddrText (text: string): IPAddress | undefined {
  const version = versionAt(text, 0)

  if (version !== undefined) {
    return ipAt(text, IP6.length, version)
  }

  if (text.startsWith(IP6_ZONE)) {
    const end = text.indexOf('/', IP6_ZONE.length)

    return end === -1 || versionAt(text, end) !== 6 ? undefined : ipAt(text, end + IP6.length, 6)
  }
}

/**
 * The version of the address that begins at a position, if one does. This runs for every
 * connection, and the built-in functions take longer for so few characters.
 */
function versionAt (text: string, start: number): 4 | 6 | undefined {
  if (text.charCodeAt(start + 1) !== CODE_I || text.charCodeAt(start + 2) !== CODE_P || text.charCodeAt(start + 4) !== CODE_SLASH) {
    return undefined
  }

  switch (text.charCodeAt(start + 3)) {
    case CODE_4:
      return 4
    case CODE_6:
      return 6
    default:
      return undefined
  }
}

function ipAt (text: string, start: number, version: 4 | 6): IPAddress | undefined {
  const end = readPart(text, start, version)

  // most addresses end with a port, and what is left of them is shorter
  if (end === -1 || (text.length - end >= P2P_CIRCUIT.length && text.includes(P2P_CIRCUIT, end))) {
    return undefined
  }

  return version === 4 ? lastIPv4() : lastIPv6()
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
