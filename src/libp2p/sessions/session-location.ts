import { ipFromMultiaddr } from '../../util/ip-from-address.ts'
import { relayInAddress } from '../../util/peers-in-address.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

const PEER_AT_THE_END = /\/p2p\/[^/]+$/

/**
 * Where the other end of a session is: the same text for all connections and streams of a
 * remote, and however often it connects.
 *
 * A remote connects from another port each time, so the location is only its IP address, or the
 * relay of a relayed connection. An address that was dialled stays as it is. The peer is left
 * out, because sessions have it anyway.
 */
export function sessionLocation (address: Multiaddr, inbound: boolean): string {
  const location = address.toString().replace(PEER_AT_THE_END, '')

  return inbound ? withoutPort(address) ?? location : location
}

/**
 * `undefined` if the address has nothing that a port could belong to
 */
function withoutPort (address: Multiaddr): string | undefined {
  const relay = relayInAddress(address)

  if (relay !== undefined) {
    // the address of the relay, if its peer id is not in it
    return relay.startsWith('/') ? `${relay}/p2p-circuit` : `/p2p/${relay}/p2p-circuit`
  }

  const ip = ipFromMultiaddr(address)

  if (ip !== undefined) {
    return `/ip${ip.version}/${ip}`
  }
}
