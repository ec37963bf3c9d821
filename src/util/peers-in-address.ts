import { peerIdFromString } from '@libp2p/peer-id'
import { CODE_P2P } from '@multiformats/multiaddr'
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

const CIRCUIT = '/p2p-circuit'
const PEER = '/p2p/'

/**
 * For an address over a relay, the peer id of the relay, or its address if there is no peer id.
 * Whoever is behind the relay cannot choose it.
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
 * The peer at the end of an address: the one that a dial expects there
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
