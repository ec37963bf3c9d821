import { Rule } from '../scopes/refusal.ts'
import { oneOf } from '../scopes/usage.ts'
import { IPNetwork } from '../util/ip-network.ts'
import { NetworkMap } from '../util/network-map.ts'
import { SubnetTable } from '../util/subnet-table.ts'
import { SubnetTables } from './subnet-tables.ts'
import { SubnetBuckets, TokenBucket } from './token-buckets.ts'
import type { ResolvedRateLimits, ResolvedSubnetRate } from './rate-limits.ts'
import type { TokenRate } from './token-rate.ts'
import type { SettingPath } from '../limits/setting.ts'
import type { Refusal } from '../scopes/refusal.ts'
import type { Usage } from '../scopes/usage.ts'
import type { IPAddress } from '../util/ip-address.ts'
import type { Sweepable } from '../util/sweeper.ts'

/**
 * The rate of one network
 */
interface NetworkRate {
  network: IPNetwork
  rule: Rule

  /**
   * Left out where it is unlimited
   */
  bucket?: TokenBucket
}

export interface RateLimiterInit {
  limits: ResolvedRateLimits

  /**
   * What is limited, for error messages
   */
  request: 'connection' | 'stream'

  /**
   * The limiter that this one replaces. A bucket whose rate stays the same keeps its tokens.
   */
  previous?: RateLimiter

  /**
   * Where buckets are kept, beside the counts of the same subnets
   */
  tables?: SubnetTables

  /**
   * Where it is configured
   *
   * @default the rates of connections, or of streams, of this node
   */
  setting?: SettingPath

  /**
   * The time in milliseconds
   */
  clock(): number
}

/**
 * Limits how often something may come from an address, by token buckets: those of
 * the networks the address is in, or else those of its subnets and the global one.
 *
 * They are asked from the most specific to the widest. Only if all of them have a token, one is
 * taken from each: a refusal costs nobody anything.
 */
export class RateLimiter {
  /**
   * While it is true, default rates do not apply
   */
  lifted = false

  readonly #added: Usage
  readonly #rules: Record<'ipv4' | 'ipv6' | 'global', Rule>
  readonly #clock: () => number
  readonly #networks = new NetworkMap<NetworkRate>()
  readonly #ipv4: SubnetBuckets[] = []
  readonly #ipv6: SubnetBuckets[] = []
  readonly #global?: TokenBucket

  // the networks that `check` has found, and how many: setting the length of an array
  // would take longer than all the rest
  readonly #found: NetworkRate[] = []
  #foundCount = 0

  constructor ({ limits, previous, request, tables = new SubnetTables(), clock, setting: path = ['rateLimits', `${request}s`] }: RateLimiterInit) {
    const isConnection = request === 'connection'
    const createRule = (kind: string, entry = kind): Rule => new Rule(kind, { exceeded: 'rate', setting: [...path, entry] })

    this.#added = oneOf(request, true)
    this.#rules = {
      ipv4: createRule('subnet', isConnection ? 'ipv4' : 'subnet'),
      ipv6: createRule('subnet', isConnection ? 'ipv6' : 'subnet'),
      global: createRule('global')
    }
    this.#clock = clock
    // there is nothing in this one yet
    const before: RateLimiter = previous ?? this

    // each version by itself: IPv4 subnets are in no table of IPv6
    const ipv4 = keep(limits.ipv4, limits.maxSubnets, before.#ipv4)
    const ipv6 = keep(limits.ipv6, limits.maxSubnets, before.#ipv6)
    const taken = new Set([...ipv4, ...ipv6].map(buckets => buckets?.table))

    for (const table of tables) {
      if (!taken.has(table)) {
        table.clearValues()
      }
    }

    this.#ipv4 = createBuckets(limits.ipv4, limits.maxSubnets, ipv4, length => takeTable(tables.of(4, length), taken))
    this.#ipv6 = createBuckets(limits.ipv6, limits.maxSubnets, ipv6, length => takeTable(tables.of(6, length), taken))
    this.#global = bucketFor(limits.global, before.#global)

    for (const { network, rate, setting } of limits.prefixes) {
      this.#networks.set(network, {
        network,
        bucket: bucketFor(rate, before.#networks.get(network)?.bucket),
        rule: setting === undefined ? createRule('network', isConnection ? 'prefixes' : 'network') : new Rule('network', { exceeded: 'rate', setting })
      })
    }
  }

  /**
   * Takes a token for an address
   *
   * @param ip - the address; without one, only the global rate applies
   * @returns why there is none, in which case nothing has changed
   */
  take (ip: IPAddress | undefined): Refusal | undefined {
    const now = this.#clock()
    const refusal = this.check(ip, now)

    if (refusal == null) {
      this.commit(ip, now)
    }

    return refusal
  }

  /**
   * What `take` would answer, with nothing taken
   */
  peek (ip: IPAddress | undefined): Refusal | undefined {
    return this.check(ip, this.#clock())
  }

  /**
   * Finds out whether there is a token for an address
   *
   * @returns why there is none
   */
  check (ip: IPAddress | undefined, now: number): Refusal | undefined {
    this.#foundCount = 0

    if (ip != null) {
      const levels = this.#networks.levels(ip.version)

      for (let i = 0; i < levels.length; i++) {
        const rate = levels[i].get(ip)

        if (rate != null) {
          this.#found[this.#foundCount++] = rate

          if (rate.bucket?.check(now) === false) {
            return this.#refuse(rate.rule, rate.network, rate.bucket, now)
          }
        }
      }

      if (this.#foundCount > 0) {
        return
      }

      const subnets = ip.version === 4 ? this.#ipv4 : this.#ipv6

      for (let i = 0; i < subnets.length; i++) {
        const buckets = subnets[i]

        if (!this.#isLifted(buckets) && !buckets.check(ip, now)) {
          return this.#refuse(ip.version === 4 ? this.#rules.ipv4 : this.#rules.ipv6, new IPNetwork(ip, buckets.prefixLength), buckets, now)
        }
      }
    }

    if (this.#global?.check(now) === false) {
      return this.#refuse(this.#rules.global, undefined, this.#global, now)
    }
  }

  /**
   * Takes the tokens that `check` has just found for the same address
   */
  commit (ip: IPAddress | undefined, now: number): void {
    if (this.#foundCount > 0) {
      for (let i = 0; i < this.#foundCount; i++) {
        this.#found[i].bucket?.commit()
      }

      return
    }

    if (ip != null) {
      const subnets = ip.version === 4 ? this.#ipv4 : this.#ipv6

      for (let i = 0; i < subnets.length; i++) {
        if (!this.#isLifted(subnets[i])) {
          subnets[i].commit(ip, now)
        }
      }
    }

    this.#global?.commit()
  }

  /**
   * Gives back the tokens that were just taken for an address, as if nothing had come from it
   */
  giveBack (ip: IPAddress): void {
    let inNetwork = false

    for (const level of this.#networks.levels(ip.version)) {
      const rate = level.get(ip)

      if (rate != null) {
        inNetwork = true
        rate.bucket?.giveBack()
      }
    }

    if (inNetwork) {
      return
    }

    for (const buckets of ip.version === 4 ? this.#ipv4 : this.#ipv6) {
      if (!this.#isLifted(buckets)) {
        buckets.giveBack(ip)
      }
    }

    this.#global?.giveBack()
  }

  /**
   * The buckets of subnets
   */
  get tables (): Sweepable[] {
    return [...this.#ipv4, ...this.#ipv6]
  }

  #isLifted (buckets: SubnetBuckets): boolean {
    return this.lifted && buckets.isDefault
  }

  #refuse (rule: Rule, subject: IPNetwork | undefined, buckets: TokenBucket | SubnetBuckets, now: number): Refusal {
    return rule.refuse('rate', this.#added, buckets.missing(now), buckets.rate.burst, subject)
  }
}

function bucketFor (rate: TokenRate | undefined, previous: TokenBucket | undefined): TokenBucket | undefined {
  if (rate == null) {
    return
  }

  return previous?.rate.equals(rate) === true ? previous : new TokenBucket(rate)
}

/**
 * The buckets that go on, for each limit. Of two limits that are the same, each has its own.
 */
function keep (limits: ResolvedSubnetRate[], max: number, previous: SubnetBuckets[]): Array<SubnetBuckets | undefined> {
  const rest = [...previous]

  return limits.map(limit => {
    const index = rest.findIndex(buckets => buckets.isFor(limit, max))

    return index === -1 ? undefined : rest.splice(index, 1)[0]
  })
}

/**
 * The table itself, unless it has buckets: with two rates for the same subnets, the second one
 * has a table of its own
 */
function takeTable (table: SubnetTable, taken: Set<SubnetTable | undefined>): SubnetTable {
  const free = taken.has(table) ? new SubnetTable(table.prefixLength) : table

  taken.add(table)

  return free
}

function createBuckets (limits: ResolvedSubnetRate[], max: number, kept: Array<SubnetBuckets | undefined>, takeTable: (prefixLength: number) => SubnetTable): SubnetBuckets[] {
  return limits.flatMap((limit, i) => {
    const { rate } = limit

    if (rate === undefined) {
      return []
    }

    return [kept[i] ?? new SubnetBuckets(rate, limit.isDefault, max, takeTable(limit.prefixLength))]
  })
}
