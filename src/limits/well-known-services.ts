/**
 * The protocols of js-libp2p's well-known services. Services have the names that go-libp2p
 * gives them, if it has them.
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
  'libp2p.http': ['/http/1.1'],
  'libp2p.webrtc-signaling': ['/webrtc-signaling/0.0.1'],
  bitswap: ['/ipfs/bitswap', '/ipfs/bitswap/1.0.0', '/ipfs/bitswap/1.1.0', '/ipfs/bitswap/1.2.0']
} as const satisfies Record<string, readonly string[]>

/**
 * The services whose protocols may begin in another way: with `protocolPrefix: 'mynet'`
 * identify is `/mynet/id/1.0.0`, and a DHT of one's own is `/mynet/kad/1.0.0`
 */
const PREFIXED: ReadonlyArray<keyof typeof WELL_KNOWN_SERVICES> = ['libp2p.identify', 'libp2p.ping', 'libp2p.autonat', 'libp2p.autonatv2', 'libp2p.kad', 'libp2p.fetch', 'libp2p.echo', 'bitswap']

/**
 * Their default prefix
 */
const PREFIX = /^\/(?:ipfs|libp2p)(?=\/)/

const FAMILIES: ReadonlyMap<string, string> = new Map(PREFIXED.flatMap(service => {
  return WELL_KNOWN_SERVICES[service].map(protocol => [protocol.replace(PREFIX, ''), protocol] as const)
}))

/**
 * A protocol with more parts than this is none of these
 */
const MAX_PREFIX_PARTS = 4

/**
 * The well-known protocol that stands behind one of a private network, if any: for
 * `/mynet/id/1.0.0`, it is `/ipfs/id/1.0.0`
 */
export function wellKnownProtocol (protocol: string): string | undefined {
  let slash = protocol.indexOf('/', 1)

  for (let part = 0; slash > 0 && part < MAX_PREFIX_PARTS; part++) {
    const known = FAMILIES.get(protocol.slice(slash))

    if (known !== undefined) {
      return known
    }

    slash = protocol.indexOf('/', slash + 1)
  }
}
