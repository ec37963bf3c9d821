import { createHash } from 'node:crypto'
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import type { PeerId } from '@libp2p/interface'

/**
 * Peer ids, whose text is cached, as it is for the peers of a node. They are the same ones
 * each time, since what a hash table does depends on the names in it. Nobody has their keys.
 */
export function createPeers (count: number): PeerId[] {
  return Array.from({ length: count }, (_, i) => {
    const peer = peerIdFromPublicKey(publicKeyFromRaw(createHash('sha256').update(String(i)).digest()))

    peer.toString()

    return peer
  })
}
