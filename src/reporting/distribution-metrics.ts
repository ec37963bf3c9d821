import type { DistributionFamily } from './distribution.ts'

// the buckets are go-libp2p's

const COUNT_BUCKETS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 16, 32, 64, 128, 256] as const

const KIB = 2 ** 10
const MIB = 2 ** 20
const GIB = 2 ** 30
const MEMORY_BUCKETS = [KIB, 4 * KIB, 32 * KIB, MIB, 32 * MIB, 256 * MIB, 512 * MIB, GIB, 2 * GIB, 4 * GIB] as const

const DIRECTIONS = [{ dir: 'inbound' }, { dir: 'outbound' }] as const
const INBOUND = 0

export const DISTRIBUTIONS: readonly DistributionFamily[] = [{
  name: 'peer_connections',
  help: 'Number of connections of each peer',
  labelNames: ['dir'],
  labels: DIRECTIONS,
  buckets: COUNT_BUCKETS,
  ofPeer: ({ connsInbound, connsOutbound }, series) => series === INBOUND ? connsInbound : connsOutbound
}, {
  name: 'peer_streams',
  help: 'Number of streams of each peer',
  labelNames: ['dir'],
  labels: DIRECTIONS,
  buckets: COUNT_BUCKETS,
  ofPeer: ({ streamsInbound, streamsOutbound }, series) => series === INBOUND ? streamsInbound : streamsOutbound
}, {
  name: 'peer_memory',
  help: 'Reserved memory of each peer in bytes',
  labelNames: [],
  labels: [{}],
  buckets: MEMORY_BUCKETS,
  ofPeer: ({ memory }) => memory
}, {
  name: 'conn_memory',
  help: 'Reserved memory of each connection in bytes',
  labelNames: [],
  labels: [{}],
  buckets: MEMORY_BUCKETS,
  ofConnection: ({ memory }) => memory
}]
