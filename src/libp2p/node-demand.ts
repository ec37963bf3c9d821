import { availableResources } from '../limits/available-resources.ts'
import type { NodeDemand } from '../limits/fit-to-node.ts'
import type { ConnectionManager } from '@libp2p/interface-internal'

/**
 * libp2p's defaults in Node.js
 */
const DEFAULTS = { maxConnections: 300, maxParallelDials: 100, maxIncomingPendingConnections: 10 }

/**
 * What libp2p's connection manager has beside its interface
 */
interface Libp2pConnectionManager {
  dialQueue?: { queue?: { concurrency?: unknown } }
  maxIncomingPendingConnections?: unknown
}

/**
 * What a node may do, as far as its connection manager says so
 */
export function nodeDemand (connectionManager: Pick<ConnectionManager, 'getMaxConnections'>): NodeDemand {
  const { dialQueue, maxIncomingPendingConnections } = connectionManager as Libp2pConnectionManager
  const maxConnections = countOr(connectionManager.getMaxConnections?.(), DEFAULTS.maxConnections)

  return {
    maxConnections,
    maxParallelDials: countOr(dialQueue?.queue?.concurrency, DEFAULTS.maxParallelDials),

    // those that are not established yet are some of all connections
    maxIncomingPendingConnections: Math.min(maxConnections, countOr(maxIncomingPendingConnections, DEFAULTS.maxIncomingPendingConnections)),
    fds: availableResources().fds
  }
}

function countOr (value: unknown, fallback: number): number {
  return typeof value === 'number' && value > 0 ? value : fallback
}
