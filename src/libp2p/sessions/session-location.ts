import { ipFromMultiaddr } from '../../util/ip-from-address.ts'
import { relayInAddress } from '../../util/peers-in-address.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

const PEER_AT_THE_END = /\/p2p\/[^/]+$/

/**
 * Where the other end of a session is: the same text for all connections and streams of a
 * remote, and however often it connects.
 *
 * The address that a remote connects from has a port that is another one each time, so that
 * only its IP address is told, and of a relayed connection only the relay. The address that
 * was dialled is told as it is. The peer is no part of it, as sessions have it anyway.
 */
export function sessionLocation (address: Multiaddr, inbound: boolean): string {
  const location = address.toString().replace(PEER_AT_THE_END, '')

  return inbound ? withoutPort(address) ?? location : location
}

/**
 * `undefined` if there is nothing in the address that a port could belong to
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
