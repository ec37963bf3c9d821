import { InvalidParametersError } from '@libp2p/interface'

/**
 * The protocols of js-libp2p's well-known services. The names of the services
 * are those that go-libp2p gives them, where it has them.
 */
export const WELL_KNOWN_SERVICES: Readonly<Record<string, readonly string[]>> = {
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
}

/**
 * Which service a protocol belongs to: the well-known ones, overridden by what a
 * user says
 *
 * @param services - Protocols by service, or `false` for an empty table
 * @throws {InvalidParametersError} naming the entry that is wrong
 */
export function serviceTable (services: Record<string, string[]> | false = {}): Map<string, string> {
  const table = new Map<string, string>()

  if (services === false) {
    return table
  }

  for (const [service, protocols] of Object.entries(WELL_KNOWN_SERVICES)) {
    protocols.forEach(protocol => table.set(protocol, service))
  }

  for (const [service, protocols] of Object.entries(services)) {
    if (service === '') {
      throw new InvalidParametersError('services: expected a non-empty name of a service, got ""')
    }

    if (!Array.isArray(protocols) || protocols.some(protocol => typeof protocol !== 'string' || protocol === '')) {
      throw new InvalidParametersError(`services.${service}: expected a list of protocols, got ${JSON.stringify(protocols)}`)
    }

    protocols.forEach(protocol => table.set(protocol, service))
  }

  return table
}
