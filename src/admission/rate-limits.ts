import { checkPrefixLength, mostSpecificFirst, parseNetwork } from '../util/ip-network.ts'
import { checkList, checkObject, checkWholeNumber, invalid } from '../util/validation.ts'
import { LOOPBACK_NETWORKS } from './subnet-limits.ts'
import { TokenRate } from './token-rate.ts'
import type { SettingPath } from '../limits/setting.ts'
import type { IPNetwork } from '../util/ip-network.ts'

/**
 * How often something may happen: a bucket that holds `burst` tokens, one of which
 * is taken each time, and that is refilled with `rate` tokens per second
 */
export interface Rate {
  /**
   * How many times per second it may happen in the long run, more than 0. It is
   * never refused where this is `'unlimited'` (or `Infinity`).
   */
  rate: number | 'unlimited'

  /**
   * How many times it may happen at once, a whole number. With 0, it is always refused.
   *
   * @default the rate, rounded up
   */
  burst?: number
}

/**
 * A rate for each subnet of one size
 */
export interface SubnetRate extends Rate {
  /**
   * How many bits the addresses of one subnet have in common: 0 to 32 for IPv4,
   * 0 to 128 for IPv6
   */
  prefixLength: number
}

/**
 * A rate for one network
 */
export interface NetworkPrefixRate extends Rate {
  /**
   * The network, such as `10.0.0.0/8` or `2001:db8::/32`. An address without a
   * prefix length is the network of this one host.
   */
  network: string
}

/**
 * How often something may come from one part of the internet
 */
export interface RateLimits {
  /**
   * The rate of everything together, except what comes from one of the `prefixes`
   *
   * @default unlimited
   */
  global?: Rate

  /**
   * Rates of networks. An address in some of them is subject to the rates of all of
   * these, and not to those of `global`, `ipv4` and `ipv6`.
   *
   * @default []
   */
  prefixes?: NetworkPrefixRate[]

  /**
   * Rates for each IPv4 subnet. All of them apply.
   *
   * @default []
   */
  ipv4?: SubnetRate[]

  /**
   * Rates for each IPv6 subnet. All of them apply.
   *
   * @default []
   */
  ipv6?: SubnetRate[]

  /**
   * How many subnets are tracked for each entry of `ipv4` and `ipv6`, at 64 bytes
   * each. Only subnets that something came from a short time ago need to
   * be: one that could have its full burst again is forgotten. When there are more,
   * new subnets share one bucket until others are forgotten.
   *
   * @default 32768
   */
  maxSubnets?: number
}

/**
 * How often remote peers may open connections. It does not apply to connections
 * without an IP address of the peer, such as relayed ones.
 */
export interface ConnectionRateLimits extends RateLimits {
  /**
   * Rates of networks. An address in some of them is subject to the rates of all of
   * these, and not to those of `global`, `ipv4` and `ipv6`.
   *
   * They are added to the default, in which loopback addresses are unlimited; a
   * rate for the same network takes the place of the default one.
   *
   * @default [{ network: '127.0.0.0/8', rate: 'unlimited' }, { network: '::1/128', rate: 'unlimited' }]
   */
  prefixes?: NetworkPrefixRate[]

  /**
   * Rates for each IPv4 subnet. All of them apply.
   *
   * @default [{ prefixLength: 32, rate: 0.2, burst: 16 }]
   */
  ipv4?: SubnetRate[]

  /**
   * Rates for each IPv6 subnet. All of them apply.
   *
   * @default [{ prefixLength: 56, rate: 0.2, burst: 16 }, { prefixLength: 48, rate: 0.5, burst: 80 }]
   */
  ipv6?: SubnetRate[]
}

/**
 * How many subnets or peers are tracked for each rate by default. With the default
 * rates that is enough for more than 6,000 new hosts per second. A table of this many
 * subnets takes 2 MB, and growing to that size does not take longer than about a
 * millisecond.
 */
export const DEFAULT_MAX_TRACKED = 32_768

/**
 * A `Map` cannot have more entries than this in V8
 */
export const MAX_TRACKED = 2 ** 24

// The rates are go-libp2p's: twice the connections that a host may have, then one
// every five seconds
const DEFAULT_IPV4_RATES: readonly SubnetRate[] = [
  { prefixLength: 32, rate: 0.2, burst: 16 }
]
const DEFAULT_IPV6_RATES: readonly SubnetRate[] = [
  { prefixLength: 56, rate: 0.2, burst: 16 },
  { prefixLength: 48, rate: 0.5, burst: 80 }
]

/**
 * A rate for each subnet of one size, with nothing left open
 */
export interface ResolvedSubnetRate {
  prefixLength: number

  /**
   * Left out where it is unlimited
   */
  rate?: TokenRate

  /**
   * Whether it is in force because nothing else was configured
   */
  isDefault: boolean
}

/**
 * A rate for one network, with nothing left open
 */
export interface ResolvedPrefixRate {
  network: IPNetwork

  /**
   * Left out where it is unlimited
   */
  rate?: TokenRate

  /**
   * Where it is configured, if not in `prefixes`
   */
  setting?: SettingPath
}

/**
 * Rates with nothing left open, the most specific first
 */
export interface ResolvedRateLimits {
  global?: TokenRate
  prefixes: ResolvedPrefixRate[]
  ipv4: ResolvedSubnetRate[]
  ipv6: ResolvedSubnetRate[]
  maxSubnets: number
}

/**
 * Fills in the defaults of the rates of connections
 *
 * @param field - where the rates were configured, for error messages
 * @param limits - what was configured
 * @param trusted - networks that are unlimited unless they have a rate of their own
 * @param networks - rates of networks that are configured elsewhere
 * @throws {InvalidParametersError} naming the field that cannot be used
 */
export function resolveConnectionRates (field: string, limits: ConnectionRateLimits = {}, trusted: readonly string[] = [], networks: readonly ResolvedPrefixRate[] = []): ResolvedRateLimits {
  const resolved = resolveRateLimits(field, limits, networks)
  const configured = new Set(resolved.prefixes.map(({ network }) => network.toString()))
  const unlimited = [...LOOPBACK_NETWORKS, ...trusted]
    .map(text => ({ network: parseNetwork(text, 'trustedNetworks') }))
    .filter(({ network }) => !configured.has(network.toString()))

  return {
    ...resolved,
    prefixes: [...resolved.prefixes, ...unlimited],
    ipv4: limits.ipv4 == null ? resolveSubnets(field, DEFAULT_IPV4_RATES, 4, true) : resolved.ipv4,
    ipv6: limits.ipv6 == null ? resolveSubnets(field, DEFAULT_IPV6_RATES, 6, true) : resolved.ipv6
  }
}

/**
 * Reads rates that are unlimited where nothing is configured
 *
 * @param field - where the rates were configured, for error messages
 * @param limits - what was configured
 * @param networks - rates of networks that are configured elsewhere
 * @throws {InvalidParametersError} naming the field that cannot be used
 */
export function resolveRateLimits (field: string, limits: RateLimits, networks: readonly ResolvedPrefixRate[] = []): ResolvedRateLimits {
  checkObject(field, limits)
  checkList(`${field}.prefixes`, limits.prefixes)
  checkList(`${field}.ipv4`, limits.ipv4)
  checkList(`${field}.ipv6`, limits.ipv6)

  const maxSubnets = limits.maxSubnets ?? DEFAULT_MAX_TRACKED

  checkWholeNumber(`${field}.maxSubnets`, maxSubnets, 1, MAX_TRACKED)

  return {
    global: limits.global == null ? undefined : resolveRate(`${field}.global`, limits.global),
    prefixes: [...networks, ...resolvePrefixes(`${field}.prefixes`, limits.prefixes ?? [], networks)],
    ipv4: resolveSubnets(`${field}.ipv4`, limits.ipv4 ?? [], 4, false),
    ipv6: resolveSubnets(`${field}.ipv6`, limits.ipv6 ?? [], 6, false),
    maxSubnets
  }
}

/**
 * @returns nothing where the rate is unlimited
 * @throws {InvalidParametersError} naming the field that cannot be used
 */
export function resolveRate (field: string, limit: Rate): TokenRate | undefined {
  if (limit == null) {
    throw invalid(field, 'a rate', limit)
  }

  const rate = limit.rate === 'unlimited' ? Infinity : limit.rate

  if (typeof rate !== 'number' || !(rate > 0)) {
    throw invalid(`${field}.rate`, 'a number greater than 0, or "unlimited"', limit.rate)
  }

  if (limit.burst !== undefined) {
    checkWholeNumber(`${field}.burst`, limit.burst, 0, Number.MAX_SAFE_INTEGER)
  }

  if (rate === Infinity) {
    return undefined
  }

  const tokenRate = new TokenRate(rate, limit.burst ?? Math.ceil(rate))

  if (!Number.isFinite(tokenRate.reach)) {
    throw invalid(`${field}.rate`, 'a rate that refills the burst in a finite time', limit.rate)
  }

  return tokenRate
}

function resolvePrefixes (field: string, limits: NetworkPrefixRate[], networks: readonly ResolvedPrefixRate[]): ResolvedPrefixRate[] {
  const names = new Set(networks.map(({ network }) => network.toString()))

  return limits
    .map((limit, i) => {
      const network = parseNetwork(limit?.network, `${field}[${i}].network`)

      if (names.has(network.toString())) {
        throw invalid(`${field}[${i}].network`, 'no second rate for a network', network)
      }

      names.add(network.toString())

      return { network, rate: resolveRate(`${field}[${i}]`, limit) }
    })
}

function resolveSubnets (field: string, limits: readonly SubnetRate[], version: 4 | 6, isDefault: boolean): ResolvedSubnetRate[] {
  return limits
    .map((limit, i) => {
      checkPrefixLength(`${field}[${i}].prefixLength`, limit?.prefixLength, version)

      return { prefixLength: limit.prefixLength, rate: resolveRate(`${field}[${i}]`, limit), isDefault }
    })
    .sort(mostSpecificFirst)
}
