import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { memory } from '@libp2p/memory'
import { prometheusMetrics as nodeMetrics } from '@libp2p/prometheus-metrics'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { Registry } from 'prom-client'
import { resourceManager } from '../../src/index.ts'
import { PROTOCOLS, SERVICE } from './traffic.ts'
import type { ResourceManagerInit } from '../../src/index.ts'
import type { Libp2p } from '@libp2p/interface'

/**
 * Far more than any measurement needs: nothing may be refused
 */
const PLENTY = 100_000

interface Variant {
  /** Whether the node has the metrics of libp2p, which cost something themselves */
  metrics: boolean

  /** The options of its resource manager, if it has one */
  manager?: ResourceManagerInit
}

const ROOM: ResourceManagerInit = {
  services: { [SERVICE]: PROTOCOLS },
  fairness: { handshakes: false },
  limits: Object.fromEntries(['system', 'transient', 'peerDefault', 'protocolDefault', 'protocolPeerDefault', 'serviceDefault', 'servicePeerDefault'].map(scope => [scope, {
    streams: PLENTY,
    streamsInbound: PLENTY,
    streamsOutbound: PLENTY,
    conns: PLENTY,
    connsInbound: PLENTY,
    connsOutbound: PLENTY,
    fd: PLENTY,
    memory: 2 ** 40
  }]))
}

/**
 * What is compared. There are two without a resource manager: they differ by nothing
 * but chance, and so say how much of the other differences is chance.
 */
export const VARIANTS = {
  absent: { metrics: false },
  'absent, again': { metrics: false },
  present: { metrics: false, manager: ROOM },
  'present, sessions': { metrics: false, manager: { ...ROOM, sessions: { collectors: { [SERVICE]: {} } } } },
  'absent, metrics': { metrics: true },
  'present, metrics': { metrics: true, manager: ROOM }
} satisfies Record<string, Variant>

export type VariantName = keyof typeof VARIANTS

/**
 * Those that are measured in turn
 */
export const PLAIN: VariantName[] = ['absent', 'absent, again', 'present', 'present, sessions']
export const METRICS: VariantName[] = ['absent, metrics', 'present, metrics']

/**
 * What a variant is compared with
 */
export function baselineOf (name: VariantName): VariantName | undefined {
  switch (name) {
    case 'absent':
    case 'absent, metrics':
      return undefined
    case 'present, metrics':
      return 'absent, metrics'
    default:
      return 'absent'
  }
}

/**
 * A node that does nothing on its own
 *
 * @param name
 * @param listen - its addresses
 */
export async function createNode (name: VariantName, listen: string[]): Promise<Libp2p> {
  const { metrics, manager }: Variant = VARIANTS[name]

  return createLibp2p({
    addresses: { listen },
    transports: [tcp(), memory()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    connectionManager: {
      maxConnections: PLENTY,
      maxIncomingPendingConnections: PLENTY,
      inboundConnectionThreshold: Infinity
    },
    ...(metrics ? { metrics: nodeMetrics({ registry: new Registry() }) } : {}),
    ...(manager == null ? {} : { services: { resourceManager: resourceManager(manager) } })
  })
}
