import { byDirection } from './metric-family.ts'
import type { DistributionFamily, Sample } from './metric-family.ts'

// the buckets are go-libp2p's

const COUNT_BUCKETS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 16, 32, 64, 128, 256] as const

const KIB = 2 ** 10
const MIB = 2 ** 20
const GIB = 2 ** 30
const MEMORY_BUCKETS = [KIB, 4 * KIB, 32 * KIB, MIB, 32 * MIB, 256 * MIB, 512 * MIB, GIB, 2 * GIB, 4 * GIB] as const

const DIRECTIONS = [{ dir: 'inbound' }, { dir: 'outbound' }] as const

function moreThanNothing (samples: Sample[]): Sample[] {
  return samples.filter(({ value }) => value > 0)
}

export const DISTRIBUTIONS: readonly DistributionFamily[] = [{
  name: 'peer_connections',
  help: 'Number of connections of each peer',
  labelNames: ['dir'],
  labels: DIRECTIONS,
  buckets: COUNT_BUCKETS,
  read: ({ graph }) => moreThanNothing(Array.from(graph.peers.values(), node => byDirection(node.connsInbound, node.connsOutbound, {})).flat())
}, {
  name: 'peer_streams',
  help: 'Number of streams of each peer',
  labelNames: ['dir'],
  labels: DIRECTIONS,
  buckets: COUNT_BUCKETS,
  read: ({ graph }) => moreThanNothing(Array.from(graph.peers.values(), node => byDirection(node.streamsInbound, node.streamsOutbound, {})).flat())
}, {
  name: 'peer_memory',
  help: 'Reserved memory of each peer in bytes',
  labelNames: [],
  labels: [{}],
  buckets: MEMORY_BUCKETS,
  read: ({ graph }) => moreThanNothing(Array.from(graph.peers.values(), node => ({ labels: {}, value: node.memory })))
}, {
  name: 'conn_memory',
  help: 'Reserved memory of each connection in bytes',
  labelNames: [],
  labels: [{}],
  buckets: MEMORY_BUCKETS,
  read: ({ graph }) => moreThanNothing(Array.from(graph.connections, node => ({ labels: {}, value: node.memory })))
}]
