/**
 * The process of a relay between a victim and those who attack it
 */

import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { circuitRelayServer } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { serve } from './serve.ts'

const PLENTY = 100_000

// it must live, whatever is relayed
process.on('uncaughtException', () => {})
process.on('unhandledRejection', () => {})

const node = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionMonitor: { enabled: false },
  connectionManager: { maxConnections: PLENTY, inboundConnectionThreshold: PLENTY, maxIncomingPendingConnections: PLENTY },
  services: {
    identify: identify(),
    relay: circuitRelayServer({ maxInboundHopStreams: PLENTY, maxOutboundStopStreams: PLENTY, reservations: { applyDefaultLimit: false } })
  }
})

serve({
  address: () => node.getMultiaddrs()[0].toString()
})
