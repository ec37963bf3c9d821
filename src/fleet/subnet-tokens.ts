import { TokenBucket } from '../admission/token-buckets.ts'
import { IPNetwork } from '../util/ip-network.ts'
import { NetworkLevel } from '../util/network-map.ts'
import { shareOf } from './rates-alone.ts'
import { TokenLease } from './token-lease.ts'
import type { TokenRate } from '../admission/token-rate.ts'
import type { IPAddress } from '../util/ip-address.ts'

export interface SubnetTokensInit {
  version: 4 | 6
  prefixLength: number
  rate: TokenRate

  /** How many tokens a subnet may use before the node has asked for any */
  allowance: number

  /** How many subnets are known at most */
  max: number

  /** How many nodes there are */
  nodes: number
}

/**
 * The tokens of all subnets of one size. Subnets that were idle lately are not kept. While
 * there are too many, new ones share this node's part of one bucket.
 */
export class SubnetTokens {
  readonly #init: SubnetTokensInit
  #leases: NetworkLevel<TokenLease>
  #others: TokenBucket

  constructor (init: SubnetTokensInit) {
    this.#init = init
    this.#leases = new NetworkLevel(init.prefixLength)
    this.#others = new TokenBucket(shareOf(init.rate, Math.max(1, init.nodes)))
  }

  get rate (): TokenRate {
    return this.#init.rate
  }

  get version (): 4 | 6 {
    return this.#init.version
  }

  networkOf (ip: IPAddress): IPNetwork {
    return new IPNetwork(ip, this.#init.prefixLength)
  }

  get (ip: IPAddress): TokenLease | undefined {
    return this.#leases.get(ip)
  }

  check (ip: IPAddress, now: number): boolean {
    const lease = this.#leases.get(ip)

    if (lease !== undefined) {
      return lease.check(now)
    }

    return this.#full ? this.#others.check(now) : this.#init.allowance > 0
  }

  /**
   * The tokens of the subnet of an address, which is remembered from now on
   *
   * @returns nothing where there is no room for another one
   */
  track (ip: IPAddress): TokenLease | undefined {
    const known = this.#leases.get(ip)

    if (known !== undefined || this.#full) {
      return known
    }

    const { allowance, rate } = this.#init
    const network = this.networkOf(ip)
    const lease = new TokenLease({
      name: `subnet:${network}`,
      rate,
      subnet: network,
      isAhead: false,
      allowance,
      forget: () => { this.#leases.delete(network) }
    })

    this.#leases.set(network, lease)

    return lease
  }

  /**
   * Takes the token that `check` has just found, for a subnet that there is no room to remember
   */
  commitOther (now: number): void {
    this.#others.check(now)
    this.#others.commit()
  }

  /**
   * Takes over what other tables know of the same subnets: used tokens stay used. The others
   * must not be used any more.
   *
   * @returns Whether they are of the same rate
   */
  inherit (before: SubnetTokens): boolean {
    const { prefixLength, rate, version } = before.#init

    if (version !== this.version || prefixLength !== this.#init.prefixLength || !rate.equals(this.rate)) {
      return false
    }

    this.#leases = before.#leases
    this.#others = before.#others

    return true
  }

  /**
   * Whether it is the one of a subnet of this size
   */
  has (lease: TokenLease): boolean {
    const { subnet } = lease

    return subnet?.address.version === this.version && this.#leases.get(subnet.address) === lease
  }

  get #full (): boolean {
    return this.#leases.size >= this.#init.max
  }
}
