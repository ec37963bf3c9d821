import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { eventually } from '../../libp2p/fixtures/eventually.ts'
import { BUSY } from '../framework/busy-node.ts'
import { PATIENCE } from '../framework/patience.ts'
import type { Program } from '../framework/program.ts'

/**
 * Peers that connect to a node at once, whereupon both ends identify each other. The node
 * dials nobody, and its connection manager has its defaults: no more than 300 connections.
 */
export function identifying (peers: number): Program {
  return {
    what: `has ${peers} peers connect to it and identify at once`,
    outcome: { connections: peers, identifiedByNode: peers, identifiedByPeers: peers },
    run: async world => {
      let identifiedByNode = 0
      let identifiedByPeers = 0

      const node = await world.create({ ...BUSY, services: { identify: identify() } })
      const [address] = node.getMultiaddrs()
      const others = await Promise.all(Array.from({ length: peers }, async () => {
        return world.create({ transports: [tcp()], services: { identify: identify() } })
      }))

      node.addEventListener('peer:identify', () => { identifiedByNode++ })
      others.forEach(peer => { peer.addEventListener('peer:identify', () => { identifiedByPeers++ }) })

      await Promise.all(others.map(async peer => peer.dial(address)))
      await eventually(() => identifiedByNode >= peers && identifiedByPeers >= peers, 'all to be identified', PATIENCE)

      return { connections: node.getConnections().length, identifiedByNode, identifiedByPeers }
    }
  }
}
