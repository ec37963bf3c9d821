import { peerIdFromString } from '@libp2p/peer-id'
import { CODE_P2P } from '@multiformats/multiaddr'
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

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
