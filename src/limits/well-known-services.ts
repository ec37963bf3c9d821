/**
 * The protocols of js-libp2p's well-known services. The names of the services
 * are those that go-libp2p gives them, where it has them.
 */
export const WELL_KNOWN_SERVICES = {
  'libp2p.identify': ['/ipfs/id/1.0.0', '/ipfs/id/push/1.0.0'],
  'libp2p.ping': ['/ipfs/ping/1.0.0'],
  'libp2p.autonat': ['/libp2p/autonat/1.0.0'],
  'libp2p.autonatv2': ['/libp2p/autonat/2/dial-request', '/libp2p/autonat/2/dial-back'],
  'libp2p.holepunch': ['/libp2p/dcutr'],
  'libp2p.relay/v2': ['/libp2p/circuit/relay/0.2.0/hop', '/libp2p/circuit/relay/0.2.0/stop'],
  'libp2p.kad': ['/ipfs/kad/1.0.0', '/ipfs/lan/kad/1.0.0'],
  'libp2p.pubsub': ['/meshsub/1.0.0', '/meshsub/1.1.0', '/meshsub/1.2.0', '/floodsub/1.0.0'],
  'libp2p.fetch': ['/libp2p/fetch/0.0.1'],
  'libp2p.perf': ['/perf/1.0.0'],
  'libp2p.echo': ['/echo/1.0.0'],
  bitswap: ['/ipfs/bitswap', '/ipfs/bitswap/1.0.0', '/ipfs/bitswap/1.1.0', '/ipfs/bitswap/1.2.0']
} as const satisfies Record<string, readonly string[]>
