import { checkPrefixLength, mostSpecificFirst, parseNetwork } from '../util/ip-network.ts'
import { checkList, checkObject, invalid } from '../util/validation.ts'
import type { SettingPath } from '../limits/setting.ts'
import type { IPNetwork } from '../util/ip-network.ts'

/**
 * How many connections there may be: a whole number, `'unlimited'` (or
 * `Infinity`), or `'blockAll'`, which is the same as `0`
 */
export type ConnCount = number | 'unlimited' | 'blockAll'

/**
 * A limit for each subnet of one size
 */
export interface SubnetLimit {
  /**
   * How many bits the addresses of one subnet have in common: 0 to 32 for IPv4,
   * 0 to 128 for IPv6
   */
  prefixLength: number

  /**
   * How many connections of both directions each subnet may have
   */
  connCount: ConnCount
}

/**
 * A limit for one network
 */
export interface NetworkPrefixLimit {
  /**
   * The network, such as `10.0.0.0/8` or `2001:db8::/32`. An address without a
   * prefix length is the network of this one host.
   */
  network: string

  /**
   * How many connections of both directions the whole network may have
   */
  connCount: ConnCount
}

/**
 * How many connections there may be from and to one part of the internet. A connection counts
 * from before its socket is dialled or accepted until it closes.
 */
export interface SubnetLimits {
  /**
   * Limits for each IPv4 subnet. All of them apply.
   *
   * @default [{ prefixLength: 32, connCount: 8 }]
   */
  ipv4?: SubnetLimit[]

  /**
   * Limits for each IPv6 subnet. All of them apply.
   *
   * @default [{ prefixLength: 56, connCount: 8 }, { prefixLength: 48, connCount: 64 }]
   */
  ipv6?: SubnetLimit[]

  /**
   * Limits for networks. An address in one of them is subject to the limit of the
   * most specific of them only, and not to those of `ipv4` and `ipv6`.
   *
   * They are added to the default, in which loopback addresses are unlimited; a
   * limit for the same network takes the place of the default one.
   *
   * @default [{ network: '127.0.0.0/8', connCount: 'unlimited' }, { network: '::1/128', connCount: 'unlimited' }]
   */
  prefixes?: NetworkPrefixLimit[]
}

/**
 * How many connections one host may have by default: as many as go-libp2p dials
 * to one peer at the same time
 */
const MAX_CONNS_PER_HOST = 8

/**
 * The first bits of an IPv6 address that a remote cannot choose: a provider usually
 * gives a customer a /56 or a /48
 */
export const IPV6_HOST_PREFIX_LENGTH = 56

const DEFAULT_IPV4_LIMITS: readonly SubnetLimit[] = [
  { prefixLength: 32, connCount: MAX_CONNS_PER_HOST }
]
const DEFAULT_IPV6_LIMITS: readonly SubnetLimit[] = [
  { prefixLength: IPV6_HOST_PREFIX_LENGTH, connCount: MAX_CONNS_PER_HOST },
  { prefixLength: 48, connCount: 8 * MAX_CONNS_PER_HOST }
]

/**
 * Networks that only this host can have connections with (RFC 6890)
 */
export const LOOPBACK_NETWORKS: readonly string[] = Object.freeze(['127.0.0.0/8', '::1/128'])

/**
 * A limit for each subnet of one size, with nothing left open
 */
export interface ResolvedSubnetLimit {
  prefixLength: number
  connCount: number

  /**
   * Whether it is in force because nothing else was configured
   */
  isDefault: boolean
}

/**
 * A limit for one network, with nothing left open
 */
export interface ResolvedPrefixLimit {
  network: IPNetwork
  connCount: number

  /**
   * Where it is configured, if not in `subnetLimits.prefixes`
   */
  setting?: SettingPath
}

/**
 * Subnet limits with nothing left open, the most specific first
 */
export interface ResolvedSubnetLimits {
  ipv4: ResolvedSubnetLimit[]
  ipv6: ResolvedSubnetLimit[]
  prefixes: ResolvedPrefixLimit[]
}

/**
 * Fills in the defaults of subnet limits
 *
 * @param limits - what was configured
 * @param trusted - networks that are unlimited unless they have a limit of their own
 * @param networks - limits of networks that are configured elsewhere
 * @throws {InvalidParametersError} naming the field that cannot be used
 */
export function resolveSubnetLimits (limits: SubnetLimits = {}, trusted: readonly string[] = [], networks: readonly ResolvedPrefixLimit[] = []): ResolvedSubnetLimits {
  checkObject('subnetLimits', limits)
  checkList('subnetLimits.prefixes', limits.prefixes)

  const prefixes = new Map<string, ResolvedPrefixLimit>()

  for (const text of [...LOOPBACK_NETWORKS, ...trusted]) {
    const network = parseNetwork(text, 'trustedNetworks')

    prefixes.set(network.toString(), { network, connCount: Infinity })
  }

  const configured = new Set<string>()

  for (const limit of networks) {
    configured.add(limit.network.toString())
    prefixes.set(limit.network.toString(), limit)
  }

  for (const [i, limit] of (limits.prefixes ?? []).entries()) {
    const resolved = resolvePrefixLimit(limit, `subnetLimits.prefixes[${i}]`)
    const name = resolved.network.toString()

    if (configured.has(name)) {
      throw invalid(`subnetLimits.prefixes[${i}].network`, 'no second limit for a network', name)
    }

    configured.add(name)
    prefixes.set(name, resolved)
  }

  return {
    ipv4: resolveSubnets('subnetLimits.ipv4', limits.ipv4, DEFAULT_IPV4_LIMITS, 4),
    ipv6: resolveSubnets('subnetLimits.ipv6', limits.ipv6, DEFAULT_IPV6_LIMITS, 6),
    prefixes: [...prefixes.values()]
  }
}

/**
 * @throws {InvalidParametersError} naming the field that cannot be used
 */
export function resolvePrefixLimit (limit: NetworkPrefixLimit, field: string): ResolvedPrefixLimit {
  return {
    network: parseNetwork(limit?.network, `${field}.network`),
    connCount: resolveConnCount(`${field}.connCount`, limit.connCount)
  }
}

function resolveSubnets (field: string, limits: SubnetLimit[] | undefined, defaults: readonly SubnetLimit[], version: 4 | 6): ResolvedSubnetLimit[] {
  checkList(field, limits)

  return (limits ?? defaults)
    .map((limit, i) => {
      checkPrefixLength(`${field}[${i}].prefixLength`, limit?.prefixLength, version)

      return {
        prefixLength: limit.prefixLength,
        connCount: resolveConnCount(`${field}[${i}].connCount`, limit.connCount),
        isDefault: limits == null
      }
    })
    .sort(mostSpecificFirst)
}

/**
 * @throws {InvalidParametersError} naming the field that cannot be used
 */
export function resolveConnCount (field: string, connCount: ConnCount): number {
  if (connCount === 'unlimited') {
    return Infinity
  }

  if (connCount === 'blockAll') {
    return 0
  }

  if (connCount !== Infinity && (!Number.isSafeInteger(connCount) || connCount < 0)) {
    throw invalid(field, 'a whole number, "unlimited" or "blockAll"', connCount)
  }

  return connCount
}

/**
 * The default limits of networks, unless `subnetLimits.prefixes` has others for the same
 * networks. They cannot be changed.
 */
export const DefaultNetworkPrefixLimits: readonly NetworkPrefixLimit[] = Object.freeze(LOOPBACK_NETWORKS.map(network => {
  return Object.freeze({ network, connCount: 'unlimited' as const })
}))
