import { peerIdFromString } from '@libp2p/peer-id'
import { CODE_P2P } from '@multiformats/multiaddr'
import type { PeerId } from '@libp2p/interface'
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

/**
 * The peer that an address ends with: the one that has to be there for it to be dialled
 */
export function peerInAddress (address: Multiaddr): PeerId | undefined {
  const last = address.getComponents().at(-1)

  if (last?.code !== CODE_P2P || last.value == null) {
    return
  }

  try {
    return peerIdFromString(last.value)
  } catch {
    // an address may have any text there
  }
}
