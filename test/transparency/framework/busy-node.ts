import { tcp } from '@libp2p/tcp'
import type { NodeOptions } from '../../libp2p/fixtures/nodes.ts'

/**
 * A node that many connect to at once, all of them from one address: libp2p's connection
 * manager would only let 5 of them in each second, and 10 be on their way in
 */
export const BUSY: Pick<NodeOptions, 'transports' | 'addresses' | 'connectionManager'> = {
  transports: [tcp()],
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  connectionManager: {
    inboundConnectionThreshold: Infinity,
    maxIncomingPendingConnections: Infinity
  }
}
