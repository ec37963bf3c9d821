import { ipFromAddress } from '../util/ip-from-address.ts'
import { RateLimiter } from './rate-limiter.ts'
import { TokenRate } from './token-rate.ts'
import type { ResolvedRateLimits } from './rate-limits.ts'
import type { SubnetLimiter } from './subnet-limiter.ts'
import type { ResolvedSubnetLimits } from './subnet-limits.ts'
import type { Sweepable } from '../util/sweeper.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * How often per second a subnet gets back one of the connections that it may begin unverified.
 * A forged address takes up a connection of its subnet for as long as a handshake may take,
 * five seconds. At half of that rate, forged addresses cannot take up all of them.
 */
const UNVERIFIED_RATE = 0.1

export interface SourceVerificationInit {
  /**
   * Which connections there may be
   */
  subnets: SubnetLimiter

  /**
   * How many subnets of each size are tracked
   */
  maxSubnets: number

  /**
   * The time in milliseconds
   */
  clock(): number
}

/**
 * Decides whether the sender of a datagram should prove its address first. Half of the
 * connections that a subnet may have can begin without. While somebody forges addresses, hosts
 * that really have them can still connect, after one more round trip.
 */
export class SourceVerification {
  readonly #init: SourceVerificationInit
  #limits?: ResolvedSubnetLimits
  #limiter?: RateLimiter

  constructor (init: SourceVerificationInit) {
    this.#init = init
  }

  /**
   * @param address - where a datagram came from: a multiaddr, an IP address, or
   * `host:port`
   * @returns true if the address should be verified, also if it is not an IP address
   */
  verify (address: string | Multiaddr): boolean {
    const ip = ipFromAddress(address)

    return ip == null || this.#current().take(ip) != null
  }

  get tables (): Sweepable[] {
    return this.#limiter?.tables ?? []
  }

  #current (): RateLimiter {
    const { subnets, maxSubnets, clock } = this.#init
    const { limits } = subnets

    if (this.#limiter == null || this.#limits !== limits) {
      this.#limits = limits
      this.#limiter = new RateLimiter({ limits: halve(limits, maxSubnets), request: 'connection', clock })
    }

    return this.#limiter
  }
}

/**
 * The rates of connections that begin unverified
 */
function halve (limits: ResolvedSubnetLimits, maxSubnets: number): ResolvedRateLimits {
  return {
    prefixes: limits.prefixes.map(({ network, connCount }) => ({ network, rate: toRate(connCount) })),
    ipv4: limits.ipv4.map(limit => ({ ...limit, rate: toRate(limit.connCount) })),
    ipv6: limits.ipv6.map(limit => ({ ...limit, rate: toRate(limit.connCount) })),
    maxSubnets
  }
}

function toRate (connCount: number): TokenRate | undefined {
  return connCount === Infinity ? undefined : new TokenRate(UNVERIFIED_RATE, Math.floor(connCount / 2))
}
