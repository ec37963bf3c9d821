import { PRIVATE_NETWORKS, parseNetwork } from '../util/ip-network.ts'
import { checkObject, invalid } from '../util/validation.ts'
import { resolveNetworks } from './networks.ts'
import { resolveConnectionRates } from './rate-limits.ts'
import { resolveSubnetLimits } from './subnet-limits.ts'
import type { AdmissionChanges } from './admission-options.ts'
import type { ResolvedRateLimits } from './rate-limits.ts'
import type { StreamRateLimits } from './stream-rates.ts'
import type { ResolvedSubnetLimits } from './subnet-limits.ts'

/**
 * What these options come to
 */
export interface AdmissionRules {
  subnets: ResolvedSubnetLimits

  /**
   * Left out where connections have no rate
   */
  rates?: ResolvedRateLimits

  /**
   * Left out where streams have no rate
   */
  streams?: StreamRateLimits
}

/**
 * @throws {InvalidParametersError} naming the option that cannot be used
 */
export function resolveRules ({ networks, rateLimits = {}, subnetLimits, trustedNetworks }: AdmissionChanges): AdmissionRules {
  const trusted = resolveTrustedNetworks(trustedNetworks)
  const own = resolveNetworks(networks)

  if (rateLimits !== false) {
    checkObject('rateLimits', rateLimits)
  }

  const { connections = {}, streams = undefined } = rateLimits === false ? { connections: false as const } : rateLimits

  return {
    subnets: resolveSubnetLimits(subnetLimits, trusted, own),
    rates: connections === false ? undefined : resolveConnectionRates('rateLimits.connections', connections, trusted, own),
    streams
  }
}

/**
 * @throws {InvalidParametersError} naming the network that is none
 */
export function resolveTrustedNetworks (init: 'private' | string[] = []): string[] {
  const networks = init === 'private' ? [init] : init

  if (!Array.isArray(networks)) {
    throw invalid('trustedNetworks', 'a list of networks, or "private"', networks)
  }

  return networks.flatMap((network, i) => {
    if (network === 'private') {
      return PRIVATE_NETWORKS
    }

    if (typeof network !== 'string') {
      throw invalid(`trustedNetworks[${i}]`, 'a network or "private"', network)
    }

    return parseNetwork(network, `trustedNetworks[${i}]`).toString()
  })
}
