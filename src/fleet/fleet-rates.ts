import { Rule } from '../scopes/refusal.ts'
import { oneConnection } from '../scopes/usage.ts'
import { NetworkMap } from '../util/network-map.ts'
import { RatesAlone } from './rates-alone.ts'
import { SubnetTokens } from './subnet-tokens.ts'
import { TokenLease } from './token-lease.ts'
import { TokenLeases } from './token-leases.ts'
import type { OnLoss } from './without-lease.ts'
import type { ResolvedRateLimits, ResolvedSubnetRate } from '../admission/rate-limits.ts'
import type { SharedRates } from '../admission/shared-limits.ts'
import type { TokenRate } from '../admission/token-rate.ts'
import type { Refusal } from '../scopes/refusal.ts'
import type { IPAddress } from '../util/ip-address.ts'
import type { IPNetwork } from '../util/ip-network.ts'

const SETTING = ['fleet', 'limits', 'rates']

const makeRule = (kind: string, entry: string): Rule<IPNetwork> => new Rule<IPNetwork>(kind, { exceeded: 'rate', setting: [...SETTING, entry] })

const RULES = {
  subnet: { 4: makeRule('subnet', 'ipv4'), 6: makeRule('subnet', 'ipv6') },
  network: makeRule('network', 'prefixes'),
  global: makeRule('global', 'global')
}

export interface FleetRatesInit {
  limits: ResolvedRateLimits

  /** The part of the burst of a subnet that a node may use before it has asked */
  allowance: number
  onLoss: OnLoss

  /** How many nodes there are, or were last: 0 if that is not known */
  nodes(): number

  /** In ms, and never goes back */
  now(): number

  /** There is something to ask for */
  wanted(): void
}

/**
 * The rates of a fleet for connections of subnets, of networks and of everybody. The node
 * decides by tokens that it has leased. A refusal takes none.
 */
export class FleetRates implements SharedRates {
  /** What the engine is asked for */
  readonly leases: TokenLeases
  readonly #init: FleetRatesInit
  readonly #subnets: SubnetTokens[]
  readonly #networks = new NetworkMap<{ network: IPNetwork, lease?: TokenLease }>()
  readonly #global?: TokenLease
  readonly #alone: RatesAlone

  // of the address that was asked about last
  readonly #found: TokenLease[] = []
  #foundCount = 0

  constructor (init: FleetRatesInit) {
    const { limits: { global, ipv4, ipv6, prefixes }, now, onLoss } = init

    this.#init = init
    this.leases = new TokenLeases(init.nodes)
    this.#alone = new RatesAlone({ limits: init.limits, onLoss, now, setting: SETTING })
    this.#subnets = [...this.#makeSubnets(4, ipv4), ...this.#makeSubnets(6, ipv6)]

    for (const { network, rate } of prefixes) {
      this.#networks.set(network, { network, lease: rate && this.#leaseAhead(`network:${network}`, rate) })
    }

    this.#global = global && this.#leaseAhead('global', global)
  }

  take (ip: IPAddress): Refusal | undefined {
    const now = this.#init.now()

    if (now >= this.leases.validUntil) {
      return this.#alone.limiter(this.#init.nodes())?.take(ip)
    }

    const refusal = this.#check(ip, now, true)

    if (refusal === undefined) {
      this.#commit(ip, now)
    }

    return refusal
  }

  peek (ip: IPAddress): Refusal | undefined {
    const now = this.#init.now()

    return now >= this.leases.validUntil ? this.#alone.limiter(this.#init.nodes())?.peek(ip) : this.#check(ip, now, false)
  }

  giveBack (ip: IPAddress): void {
    const now = this.#init.now()

    if (now >= this.leases.validUntil) {
      this.#alone.limiter(this.#init.nodes())?.giveBack(ip)
      return
    }

    this.#find(ip, false)

    for (let i = 0; i < this.#foundCount; i++) {
      this.#found[i].giveBack(now)
    }
  }

  /**
   * Takes over the tokens of leases with the same rate, and what subnets have used without
   * tokens. The old ones must not be used any more.
   */
  inherit (before: FleetRates): void {
    this.#subnets.forEach(subnets => before.#subnets.some(other => subnets.inherit(other)))
    this.leases.inherit(before.leases, lease => this.#subnets.some(subnets => subnets.has(lease)))
  }

  /**
   * @param ip
   * @param now
   * @param counts - whether somebody has really come
   */
  #check (ip: IPAddress, now: number, counts: boolean): Refusal | undefined {
    if (this.#findNetworks(ip)) {
      for (let i = 0; i < this.#foundCount; i++) {
        if (!this.#found[i].check(now)) {
          return this.#refuse(RULES.network, this.#found[i], now, counts, this.#networkOf(ip, this.#found[i]))
        }
      }

      return
    }

    for (let i = 0; i < this.#subnets.length; i++) {
      const subnets = this.#subnets[i]

      if (subnets.version === ip.version && !subnets.check(ip, now)) {
        return this.#refuse(RULES.subnet[ip.version], counts ? this.#track(subnets, ip) : subnets.get(ip), now, counts, subnets.networkOf(ip), subnets.rate)
      }
    }

    if (this.#global?.check(now) === false) {
      return this.#refuse(RULES.global, this.#global, now, counts)
    }
  }

  /**
   * Takes the tokens that `#check` has just found for the same address
   */
  #commit (ip: IPAddress, now: number): void {
    this.#find(ip, true)

    for (let i = 0; i < this.#foundCount; i++) {
      const lease = this.#found[i]

      lease.commit(now)

      if (lease.dueAt(now) <= now) {
        this.#init.wanted()
      }
    }
  }

  /**
   * All that an address takes tokens of
   *
   * @param ip
   * @param track - whether those come to be known that are not yet
   */
  #find (ip: IPAddress, track: boolean): void {
    if (this.#findNetworks(ip)) {
      return
    }

    for (let i = 0; i < this.#subnets.length; i++) {
      const subnets = this.#subnets[i]

      if (subnets.version !== ip.version) {
        continue
      }

      const lease = track ? this.#track(subnets, ip) : subnets.get(ip)

      if (lease !== undefined) {
        this.#found[this.#foundCount++] = lease
      } else if (track) {
        subnets.commitOther(this.#init.now())
      }
    }

    if (this.#global !== undefined) {
      this.#found[this.#foundCount++] = this.#global
    }
  }

  /**
   * @returns Whether an address is in a network with a rate of its own, which may be unlimited
   */
  #findNetworks (ip: IPAddress): boolean {
    const levels = this.#networks.levels(ip.version)
    let inNetwork = false

    this.#foundCount = 0

    for (let i = 0; i < levels.length; i++) {
      const found = levels[i].get(ip)

      inNetwork ||= found !== undefined

      if (found?.lease !== undefined) {
        this.#found[this.#foundCount++] = found.lease
      }
    }

    return inNetwork
  }

  #networkOf (ip: IPAddress, lease: TokenLease): IPNetwork | undefined {
    return this.#networks.levels(ip.version).map(level => level.get(ip)).find(found => found?.lease === lease)?.network
  }

  #track (subnets: SubnetTokens, ip: IPAddress): TokenLease | undefined {
    const lease = subnets.track(ip)

    if (lease !== undefined) {
      this.leases.add(lease)
    }

    return lease
  }

  #makeSubnets (version: 4 | 6, rates: ResolvedSubnetRate[]): SubnetTokens[] {
    const { allowance, limits: { maxSubnets }, nodes } = this.#init

    return rates.flatMap(({ prefixLength, rate }) => rate === undefined
      ? []
      : [new SubnetTokens({ version, prefixLength, rate, max: maxSubnets, nodes: nodes(), allowance: Math.min(rate.burst, Math.ceil(rate.burst * allowance)) })])
  }

  #leaseAhead (name: string, rate: TokenRate): TokenLease {
    const lease = new TokenLease({ name, rate, isAhead: true, allowance: 0 })

    this.leases.add(lease)

    return lease
  }

  #refuse (rule: Rule<IPNetwork>, lease: TokenLease | undefined, now: number, counts: boolean, network?: IPNetwork, rate = lease?.rate): Refusal {
    const burst = rate?.burst ?? 0

    if (counts && lease !== undefined) {
      lease.refused(now)
      lease.dueAt(now) <= now && this.#init.wanted()
    }

    return rule.refuse('rate', oneConnection(true, false), Math.ceil(lease?.missing(now) ?? burst), burst, network)
  }
}
