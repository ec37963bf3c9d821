import type { Multiaddr } from '@multiformats/multiaddr'

const CIRCUIT = '/p2p-circuit'
const PEER = '/p2p/'

/**
 * The peer id of the relay of an address, or its address where that has no peer id, if the
 * address is one over a relay. Whoever is behind it cannot choose it.
 */
export function relayInAddress (address: Multiaddr): string | undefined {
  const text = address.toString()
  const circuit = text.indexOf(CIRCUIT)

  if (circuit === -1) {
    return
  }

  const relay = text.slice(0, circuit)
  const peer = relay.lastIndexOf(PEER)

  return peer === -1 ? relay : relay.slice(peer + PEER.length)
}
