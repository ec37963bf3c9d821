import { ANY } from '../util/description.ts'
import type { AllowlistEntry } from './allowlist-entry.ts'
import type { NetworkInit } from './networks.ts'
import type { ConnectionRateLimits, RateLimits } from './rate-limits.ts'
import type { StreamRateLimits } from './stream-rates.ts'
import type { NetworkPrefixLimit, SubnetLimits } from './subnet-limits.ts'
import type { DescriptionOf } from '../util/description.ts'

/**
 * How often remote peers may open connections and streams
 */
export interface RateLimitsInit {
  /**
   * How often remote peers may open connections, or `false` for no limit. Addresses
   * in the allowlist are exempt.
   *
   * @default the defaults of `ConnectionRateLimits`
   */
  connections?: ConnectionRateLimits | false

  /**
   * How often remote peers may open streams
   *
   * @default {}
   */
  streams?: StreamRateLimits
}

/**
 * The options of a resource manager for decisions by address
 */
export interface AdmissionOptions {
  /**
   * Trusted addresses and peers: when there is no room for a connection with one of them, it
   * opens under limits of its own (`allowlistedSystem`, `allowlistedTransient`). Connections
   * from trusted addresses are exempt from limits of subnets and rates. Peers that are trusted
   * at any address have to prove who they are first, so the limits of their address apply to
   * them. While the system is full, strangers may begin handshakes that take up to a quarter of
   * what `allowlistedSystem` may hold. See `Allowlist` for the entries.
   *
   * @default []
   */
  allowlist?: AllowlistEntry[]

  /**
   * How many connections there may be with each subnet or network
   *
   * @default the defaults of `SubnetLimits`
   */
  subnetLimits?: SubnetLimits

  /**
   * How often remote peers may open connections and streams, or `false` for no limit
   *
   * @default the defaults of `RateLimitsInit`
   */
  rateLimits?: RateLimitsInit | false

  /**
   * Networks with limits of their own: how many connections they may have, and how often they
   * may open them. Use it for many peers at one address, behind a NAT, a proxy or a container
   * gateway. These limits replace `subnetLimits` and `rateLimits` for their addresses. Fields
   * that are left out are not limited.
   *
   * @default []
   */
  networks?: NetworkInit[]

  /**
   * Networks without limits by subnet and without rates of connections, unless one is
   * configured for a network in them: networks such as `10.0.0.0/8`, or `'private'` for all
   * that are not routed on the internet, alone or in the list.
   *
   * Many hosts may share an address behind a NAT, and all nodes of a cluster may be in
   * one subnet. The risk is that one host, which may be malicious or out of order, can
   * take up all connections of this node. Do not list a network that strangers have
   * addresses in, and list no network at all where a proxy or load balancer in it
   * forwards connections from the internet: they have its address.
   *
   * @default []
   */
  trustedNetworks?: 'private' | string[]

  /**
   * The networks of reverse proxies in front of the node, such as `127.0.0.1` or `10.0.0.0/24`.
   * Connections from there do not count as those of one host:
   *
   * - A WebSocket counts as one of the host that the proxy has added to the
   * `X-Forwarded-For` header last, in limits of subnets, rates and shares, and for the
   * allowlist. The proxy must add or replace that header.
   * - Everything else has no host: of the limits, only those of scopes apply.
   *
   * @default []
   */
  trustedProxies?: string[]
}

export interface AdmissionInit extends AdmissionOptions {
  /**
   * How many connections there may be under the limits of the allowlist. Networks in
   * the allowlist may have as many, unless a limit is configured for them.
   */
  allowlistedConns: number

  /**
   * Is told what is wrong with a predicate of the allowlist
   */
  warn?(message: string): void

  /**
   * The time in milliseconds since any point in time, which must not go back
   *
   * @default performance.now
   */
  now?(): number
}

/**
 * The options that can be changed as a whole
 */
export type AdmissionChanges = Pick<AdmissionOptions, 'subnetLimits' | 'rateLimits' | 'networks' | 'trustedNetworks'>

export const RATE = { rate: ANY, burst: ANY } as const
const SUBNET_RATES = [{ prefixLength: ANY, ...RATE }] as const
const SUBNET_LIMITS = [{ prefixLength: ANY, connCount: ANY }] as const

export const PREFIX_LIMIT = { network: ANY, connCount: ANY } as const satisfies DescriptionOf<NetworkPrefixLimit>

export const RATE_LIMITS = {
  global: RATE,
  prefixes: [{ network: ANY, ...RATE }],
  ipv4: SUBNET_RATES,
  ipv6: SUBNET_RATES,
  maxSubnets: ANY
} as const satisfies DescriptionOf<RateLimits>

/**
 * What can be changed as a whole
 */
export const ADMISSION_CHANGES = {
  subnetLimits: { ipv4: SUBNET_LIMITS, ipv6: SUBNET_LIMITS, prefixes: [PREFIX_LIMIT] },
  rateLimits: {
    connections: RATE_LIMITS,
    streams: { peer: RATE, protocol: { '*': RATE }, protocolPeer: { '*': RATE }, maxPeers: ANY }
  },
  networks: [{ network: ANY, connCount: ANY, ...RATE }],
  trustedNetworks: ANY
} as const satisfies DescriptionOf<AdmissionChanges>

/**
 * What is decided by address
 */
export const ADMISSION_OPTIONS = {
  ...ADMISSION_CHANGES,
  allowlist: ANY,
  trustedProxies: ANY
} as const satisfies DescriptionOf<AdmissionOptions>
