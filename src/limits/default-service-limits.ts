import { WELL_KNOWN_SERVICES } from './well-known-services.ts'
import type { NamedKey } from './limit-config.ts'
import type { Limit } from './limit.ts'
import type { ScalingLimit } from './scale.ts'
import type { ScalingLimitConfig } from './scaling-limit-config.ts'

const KiB = 2 ** 10
const MiB = 2 ** 20

type Streams = Pick<Limit, 'streamsInbound' | 'streamsOutbound' | 'streams'>

/**
 * As much again for every GiB of memory
 */
function growing (limit: Streams & Pick<Limit, 'memory'>): ScalingLimit {
  return { base: limit, increase: limit }
}

/**
 * The limits of a well-known service and of the protocols that it speaks
 */
export interface ServiceLimits {
  service: keyof typeof WELL_KNOWN_SERVICES

  /** The service, all peers together */
  serviceLimit: ScalingLimit

  /** The service, each peer */
  servicePeerLimit: ScalingLimit

  /**
   * Each of the protocols, all peers together
   *
   * @default serviceLimit
   */
  protocolLimit?: ScalingLimit

  /**
   * Each of the protocols, each peer
   *
   * @default servicePeerLimit
   */
  protocolPeerLimit?: ScalingLimit
}

/**
 * go-libp2p allows one peer this much memory for ping and identify. That is more than their
 * services may hold, so in effect the service is the limit.
 */
const GO_PEER_MEMORY = 32 * (256 * MiB + 16 * KiB)

/**
 * The limits that go-libp2p sets for its own services
 */
export const goServiceLimits: ServiceLimits[] = [{
  service: 'libp2p.identify',
  serviceLimit: growing({ streamsInbound: 64, streamsOutbound: 64, streams: 128, memory: 4 * MiB }),
  servicePeerLimit: { base: { streamsInbound: 16, streamsOutbound: 16, streams: 32, memory: MiB } },
  protocolPeerLimit: { base: { streamsInbound: 16, streamsOutbound: 16, streams: 32, memory: GO_PEER_MEMORY } }
}, {
  service: 'libp2p.ping',
  serviceLimit: growing({ streamsInbound: 64, streamsOutbound: 64, streams: 64, memory: 4 * MiB }),
  servicePeerLimit: { base: { streamsInbound: 2, streamsOutbound: 3, streams: 4, memory: GO_PEER_MEMORY } }
}, {
  service: 'libp2p.autonat',
  serviceLimit: {
    base: { streamsInbound: 64, streamsOutbound: 64, streams: 64, memory: 4 * MiB },
    increase: { streamsInbound: 4, streamsOutbound: 4, streams: 4, memory: 2 * MiB }
  },
  servicePeerLimit: { base: { streamsInbound: 2, streamsOutbound: 2, streams: 2, memory: MiB } }
}, {
  service: 'libp2p.holepunch',
  serviceLimit: {
    base: { streamsInbound: 32, streamsOutbound: 32, streams: 64, memory: 4 * MiB },
    increase: { streamsInbound: 8, streamsOutbound: 8, streams: 16, memory: 4 * MiB }
  },
  servicePeerLimit: { base: { streamsInbound: 2, streamsOutbound: 2, streams: 2, memory: MiB } }
}, {
  service: 'libp2p.relay/v2',
  serviceLimit: growing({ streamsInbound: 256, streamsOutbound: 256, streams: 256, memory: 16 * MiB }),
  servicePeerLimit: { base: { streamsInbound: 64, streamsOutbound: 64, streams: 64, memory: MiB } },
  // the protocols are those of relays and of their clients
  protocolLimit: growing({ streamsInbound: 640, streamsOutbound: 640, streams: 640, memory: 16 * MiB }),
  protocolPeerLimit: { base: { streamsInbound: 128, streamsOutbound: 128, streams: 128, memory: 32 * MiB } }
}]

/**
 * A service that carries the application's own data. It may buffer as much for all peers as
 * go-libp2p allows an unknown service.
 */
function dataService (streams: Streams): ScalingLimit {
  return { base: { ...streams, memory: 64 * MiB }, increase: { ...streams, memory: 128 * MiB } }
}

/**
 * One peer of such a service. js-libp2p stops reading from a stream at 4 MiB, so this is
 * four streams whose reader has stalled.
 */
function dataPeer (streams: Streams): ScalingLimit {
  return { base: { ...streams, memory: 16 * MiB }, increase: { memory: 4 * MiB } }
}

/**
 * Limits for services that js-libp2p nodes run and that go-libp2p has no limits for. The limits
 * of all peers together grow with the connections that the system may have (128, and as many
 * for every GiB), so that a full node still fits.
 */
export const jsServiceLimits: ServiceLimits[] = [{
  // a server answers every peer that finds it in a routing table, and waits 10 s
  // for the next message of a stream: 8 open requests for each inbound
  // connection, half of what the system can take. A lookup asks 10 peers at a
  // time, and several run at once.
  service: 'libp2p.kad',
  serviceLimit: dataService({ streamsInbound: 512, streamsOutbound: 1024, streams: 1024 }),
  // js-libp2p's kad-dht accepts 32 streams on a connection and opens 64
  servicePeerLimit: dataPeer({ streamsInbound: 32, streamsOutbound: 64, streams: 96 })
}, {
  // one stream in each direction for every peer, for as long as it is connected. Eight times
  // the connections that the system may have: somebody who raises those by hand does not expect
  // the mesh to stay behind
  service: 'libp2p.pubsub',
  serviceLimit: dataService({ streamsInbound: 1024, streamsOutbound: 1024, streams: 2048 }),
  // one stream in each direction for each of the 8 connections that a peer may
  // have
  servicePeerLimit: dataPeer({ streamsInbound: 8, streamsOutbound: 8, streams: 16 })
}, {
  // one short stream for every request: 4 for each inbound connection
  service: 'libp2p.fetch',
  serviceLimit: dataService({ streamsInbound: 256, streamsOutbound: 512, streams: 512 }),
  // js-libp2p accepts 32 streams of a protocol on a connection and opens 64
  servicePeerLimit: dataPeer({ streamsInbound: 32, streamsOutbound: 64, streams: 96 })
}, {
  // a new stream for every message in each direction, many of them while blocks are fetched: as
  // many as the system may have, because moving data is the purpose of such a node
  service: 'bitswap',
  serviceLimit: dataService({ streamsInbound: 1024, streamsOutbound: 2048, streams: 2048 }),
  // an eighth of that: no few peers can use it all up
  servicePeerLimit: dataPeer({ streamsInbound: 128, streamsOutbound: 256, streams: 256 })
}]

/**
 * Lists all limits of a table: of every service and every protocol, for all peers together and
 * for each peer
 */
export function eachServiceLimit (table: readonly ServiceLimits[], add: (kind: Exclude<NamedKey, 'peer'>, name: string, limit: ScalingLimit) => void): void {
  for (const { service, serviceLimit, servicePeerLimit, protocolLimit = serviceLimit, protocolPeerLimit = servicePeerLimit } of table) {
    add('service', service, serviceLimit)
    add('servicePeer', service, servicePeerLimit)

    for (const protocol of WELL_KNOWN_SERVICES[service]) {
      add('protocol', protocol, protocolLimit)
      add('protocolPeer', protocol, protocolPeerLimit)
    }
  }
}

const ADD = {
  service: 'addServiceLimit',
  servicePeer: 'addServicePeerLimit',
  protocol: 'addProtocolLimit',
  protocolPeer: 'addProtocolPeerLimit'
} as const

/**
 * Adds a table of limits to a configuration
 */
export function addServiceLimits (config: ScalingLimitConfig, table: readonly ServiceLimits[]): void {
  eachServiceLimit(table, (kind, name, { base, increase }) => { config[ADD[kind]](name, base, increase) })
}

/**
 * Adds limits for the well-known services of libp2p and their protocols: those
 * that go-libp2p sets (identify, ping, autonat, hole punching, circuit relay),
 * and others for kad-dht, gossipsub, fetch and bitswap.
 *
 * @throws {InvalidParametersError} if the configuration cannot be changed
 */
export function setDefaultServiceLimits (config: ScalingLimitConfig): void {
  addServiceLimits(config, goServiceLimits)
  addServiceLimits(config, jsServiceLimits)
}
