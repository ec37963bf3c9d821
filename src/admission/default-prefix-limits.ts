import { LOOPBACK_NETWORKS } from './subnet-limits.ts'
import type { NetworkPrefixLimit } from './subnet-limits.ts'

/**
 * The limits of networks that are there unless `subnetLimits.prefixes` has others for the
 * same networks. They cannot be changed.
 */
export const DefaultNetworkPrefixLimits: readonly NetworkPrefixLimit[] = Object.freeze(LOOPBACK_NETWORKS.map(network => {
  return Object.freeze({ network, connCount: 'unlimited' as const })
}))
