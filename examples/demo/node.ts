import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { tcp } from '@libp2p/tcp'
import type { Libp2pOptions } from 'libp2p'

/**
 * Sends back what it gets
 */
export const ECHO_PROTOCOL = '/demo/echo/1.0.0'

/**
 * Answers everything with a block of 1 MiB, as stores of blocks do
 */
export const BLOCK_PROTOCOL = '/demo/block/1.0.0'
export const BLOCK_SIZE = 2 ** 20

/**
 * Sends 64 MiB, as fast as they are read
 */
export const TRANSFER_PROTOCOL = '/demo/transfer/1.0.0'
export const TRANSFER_SIZE = 64 * 2 ** 20

/**
 * What all nodes of the demonstration have in common: TCP on loopback.
 *
 * The limits of the connection manager are out of the way, with and without the
 * resource manager, so that it is the same attack.
 */
export function nodeOptions (): Libp2pOptions {
  return {
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    connectionManager: {
      maxConnections: 100_000,
      maxIncomingPendingConnections: 100_000,
      inboundConnectionThreshold: 100_000,
      reconnectRetries: 0
    }
  }
}
