import type { ScalingLimit, ScalingLimitConfig } from './scaling-limit-config.ts'

const KiB = 2 ** 10
const MiB = 2 ** 20

/**
 * The limits of a service and of the protocols that it speaks
 */
export interface ServiceLimits {
  service: string
  protocols: string[]

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
 * go-libp2p allows one peer this much memory for ping and identify, which is
 * more than their services may hold: in effect the service is the limit
 */
const GO_PEER_MEMORY = 32 * (256 * MiB + 16 * KiB)

/**
 * What go-libp2p sets for the services that it comes with
 */
export const goServiceLimits: ServiceLimits[] = [{
  service: 'libp2p.identify',
  protocols: ['/ipfs/id/1.0.0', '/ipfs/id/push/1.0.0'],
  serviceLimit: {
    base: { streamsInbound: 64, streamsOutbound: 64, streams: 128, memory: 4 * MiB },
    increase: { streamsInbound: 64, streamsOutbound: 64, streams: 128, memory: 4 * MiB }
  },
  servicePeerLimit: { base: { streamsInbound: 16, streamsOutbound: 16, streams: 32, memory: MiB } },
  protocolPeerLimit: { base: { streamsInbound: 16, streamsOutbound: 16, streams: 32, memory: GO_PEER_MEMORY } }
}, {
  service: 'libp2p.ping',
  protocols: ['/ipfs/ping/1.0.0'],
  serviceLimit: {
    base: { streamsInbound: 64, streamsOutbound: 64, streams: 64, memory: 4 * MiB },
    increase: { streamsInbound: 64, streamsOutbound: 64, streams: 64, memory: 4 * MiB }
  },
  servicePeerLimit: { base: { streamsInbound: 2, streamsOutbound: 3, streams: 4, memory: GO_PEER_MEMORY } }
}, {
  service: 'libp2p.autonat',
  protocols: ['/libp2p/autonat/1.0.0'],
  serviceLimit: {
    base: { streamsInbound: 64, streamsOutbound: 64, streams: 64, memory: 4 * MiB },
    increase: { streamsInbound: 4, streamsOutbound: 4, streams: 4, memory: 2 * MiB }
  },
  servicePeerLimit: { base: { streamsInbound: 2, streamsOutbound: 2, streams: 2, memory: MiB } }
}, {
  service: 'libp2p.holepunch',
  protocols: ['/libp2p/dcutr'],
  serviceLimit: {
    base: { streamsInbound: 32, streamsOutbound: 32, streams: 64, memory: 4 * MiB },
    increase: { streamsInbound: 8, streamsOutbound: 8, streams: 16, memory: 4 * MiB }
  },
  servicePeerLimit: { base: { streamsInbound: 2, streamsOutbound: 2, streams: 2, memory: MiB } }
}, {
  service: 'libp2p.relay/v2',
  protocols: ['/libp2p/circuit/relay/0.2.0/hop', '/libp2p/circuit/relay/0.2.0/stop'],
  serviceLimit: {
    base: { streamsInbound: 256, streamsOutbound: 256, streams: 256, memory: 16 * MiB },
    increase: { streamsInbound: 256, streamsOutbound: 256, streams: 256, memory: 16 * MiB }
  },
  servicePeerLimit: { base: { streamsInbound: 64, streamsOutbound: 64, streams: 64, memory: MiB } },
  // the protocols are those of relays and of their clients
  protocolLimit: {
    base: { streamsInbound: 640, streamsOutbound: 640, streams: 640, memory: 16 * MiB },
    increase: { streamsInbound: 640, streamsOutbound: 640, streams: 640, memory: 16 * MiB }
  },
  protocolPeerLimit: { base: { streamsInbound: 128, streamsOutbound: 128, streams: 128, memory: 32 * MiB } }
}]

/**
 * Buffered data of a service that carries the application's own: what go-libp2p
 * allows a service it knows nothing about
 */
const DATA_MEMORY = { base: 64 * MiB, increase: 128 * MiB }

/**
 * Buffered data of one peer of such a service: js-libp2p stops reading from a
 * stream at 4 MiB, so this is four streams whose reader has stalled
 */
const DATA_PEER_MEMORY = { base: 16 * MiB, increase: 4 * MiB }

/**
 * Limits for services that js-libp2p nodes run and go-libp2p sets nothing for.
 * Those of all peers together grow with the connections that the system may
 * have (128, and as many for every GiB), so that a full house still fits.
 */
export const jsServiceLimits: ServiceLimits[] = [{
  // a server answers every peer that finds it in a routing table, and waits 10 s
  // for the next message of a stream: 8 open requests for each inbound
  // connection, half of what the system can take. A lookup asks 10 peers at a
  // time, and several run at once.
  service: 'libp2p.kad',
  protocols: ['/ipfs/kad/1.0.0', '/ipfs/lan/kad/1.0.0'],
  serviceLimit: {
    base: { streamsInbound: 512, streamsOutbound: 1024, streams: 1024, memory: DATA_MEMORY.base },
    increase: { streamsInbound: 512, streamsOutbound: 1024, streams: 1024, memory: DATA_MEMORY.increase }
  },
  // js-libp2p's kad-dht accepts 32 streams on a connection and opens 64
  servicePeerLimit: {
    base: { streamsInbound: 32, streamsOutbound: 64, streams: 96, memory: DATA_PEER_MEMORY.base },
    increase: { memory: DATA_PEER_MEMORY.increase }
  }
}, {
  // one stream in each direction for every peer, for as long as it is connected.
  // Eight times the connections that the system may have, because who raises
  // those by hand does not expect a mesh to stay behind
  service: 'libp2p.pubsub',
  protocols: ['/meshsub/1.0.0', '/meshsub/1.1.0', '/meshsub/1.2.0', '/floodsub/1.0.0'],
  serviceLimit: {
    base: { streamsInbound: 1024, streamsOutbound: 1024, streams: 2048, memory: DATA_MEMORY.base },
    increase: { streamsInbound: 1024, streamsOutbound: 1024, streams: 2048, memory: DATA_MEMORY.increase }
  },
  // one stream in each direction for each of the 8 connections that a peer may
  // have
  servicePeerLimit: {
    base: { streamsInbound: 8, streamsOutbound: 8, streams: 16, memory: DATA_PEER_MEMORY.base },
    increase: { memory: DATA_PEER_MEMORY.increase }
  }
}, {
  // one short stream for every request: 4 for each inbound connection
  service: 'libp2p.fetch',
  protocols: ['/libp2p/fetch/0.0.1'],
  serviceLimit: {
    base: { streamsInbound: 256, streamsOutbound: 512, streams: 512, memory: DATA_MEMORY.base },
    increase: { streamsInbound: 256, streamsOutbound: 512, streams: 512, memory: DATA_MEMORY.increase }
  },
  // js-libp2p accepts 32 streams of a protocol on a connection and opens 64
  servicePeerLimit: {
    base: { streamsInbound: 32, streamsOutbound: 64, streams: 96, memory: DATA_PEER_MEMORY.base },
    increase: { memory: DATA_PEER_MEMORY.increase }
  }
}, {
  // a new stream for every message in each direction, many of them while blocks
  // are being fetched: as many as the system can take, so that moving data, which
  // is what such a node is for, is limited by the system only
  service: 'bitswap',
  protocols: ['/ipfs/bitswap', '/ipfs/bitswap/1.0.0', '/ipfs/bitswap/1.1.0', '/ipfs/bitswap/1.2.0'],
  serviceLimit: {
    base: { streamsInbound: 1024, streamsOutbound: 2048, streams: 2048, memory: DATA_MEMORY.base },
    increase: { streamsInbound: 1024, streamsOutbound: 2048, streams: 2048, memory: DATA_MEMORY.increase }
  },
  // an eighth of that: no few peers can use it all up
  servicePeerLimit: {
    base: { streamsInbound: 128, streamsOutbound: 256, streams: 256, memory: DATA_PEER_MEMORY.base },
    increase: { memory: DATA_PEER_MEMORY.increase }
  }
}]

/**
 * Adds a table of limits to a configuration
 */
export function addServiceLimits (config: ScalingLimitConfig, table: ServiceLimits[]): void {
  for (const { service, protocols, serviceLimit, servicePeerLimit, protocolLimit = serviceLimit, protocolPeerLimit = servicePeerLimit } of table) {
    config.addServiceLimit(service, serviceLimit.base, serviceLimit.increase)
    config.addServicePeerLimit(service, servicePeerLimit.base, servicePeerLimit.increase)

    for (const protocol of protocols) {
      config.addProtocolLimit(protocol, protocolLimit.base, protocolLimit.increase)
      config.addProtocolPeerLimit(protocol, protocolPeerLimit.base, protocolPeerLimit.increase)
    }
  }
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
