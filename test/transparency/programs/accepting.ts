import { tcp } from '@libp2p/tcp'
import { eventually } from '../../libp2p/fixtures/eventually.ts'
import { BUSY } from '../framework/busy-node.ts'
import { PATIENCE } from '../framework/patience.ts'
import type { Program } from '../framework/program.ts'

/**
 * A node that dials nobody, whose connection manager was told to allow so many connections
 */
export function accepting (peers: number): Program {
  return {
    what: `accepts ${peers} connections, as many as its connection manager allows`,
    outcome: { connections: peers, open: peers },
    run: async world => {
      const node = await world.create({ ...BUSY, connectionManager: { ...BUSY.connectionManager, maxConnections: peers } })
      const [address] = node.getMultiaddrs()
      const others = await Promise.all(Array.from({ length: peers }, async () => world.create({ transports: [tcp()] })))
      const connections = await Promise.all(others.map(async peer => peer.dial(address)))

      await eventually(() => node.getConnections().length >= peers, 'the connections', PATIENCE)

      return {
        connections: node.getConnections().length,
        open: connections.filter(({ status }) => status === 'open').length
      }
    }
  }
}
