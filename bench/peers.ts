import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import type { PeerId } from '@libp2p/interface'

/**
 * Real peer ids. Their text is cached, as it is for the peers of a node.
 */
export async function createPeers (count: number): Promise<PeerId[]> {
  const peers: PeerId[] = []

  for (let i = 0; i < count; i++) {
    const peer = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))

    peer.toString()
    peers.push(peer)
  }

  return peers
}
