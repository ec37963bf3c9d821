import { parseNetwork } from '../util/ip-network.ts'
import { checkList, invalid } from '../util/validation.ts'
import { resolveRate } from './rate-limits.ts'
import { resolveConnCount } from './subnet-limits.ts'
import type { ResolvedPrefixRate } from './rate-limits.ts'
import type { ConnCount, ResolvedPrefixLimit } from './subnet-limits.ts'
import type { SettingPath } from '../limits/setting.ts'

/**
 * Both limits of one network: how many connections it may have, and how often it may open them.
 * A field that is left out is not limited.
 */
export interface NetworkInit {
  /**
   * The network, such as `10.0.0.0/8` or `2001:db8::/32`. An address without a
   * prefix length is the network of this one host.
   */
  network: string

  /**
   * How many connections of both directions the whole network may have
   *
   * @default 'unlimited'
   */
  connCount?: ConnCount

  /**
   * How many connections per second the whole network may open in the long run
   *
   * @default 'unlimited'
   */
  rate?: number | 'unlimited'

  /**
   * How many connections the whole network may open at once, a whole number
   *
   * @default the rate, rounded up
   */
  burst?: number
}

/**
 * Where refusals by these limits are configured
 */
const SETTING: SettingPath = ['networks']

/**
 * A network with both limits
 */
export interface ResolvedNetwork extends ResolvedPrefixLimit, ResolvedPrefixRate {}

/**
 * @throws {InvalidParametersError} naming the field that cannot be used
 */
export function resolveNetworks (networks: NetworkInit[] = []): ResolvedNetwork[] {
  const names = new Set<string>()

  checkList('networks', networks)

  return networks.map((init, i) => {
    const field = `networks[${i}]`
    const network = parseNetwork(init?.network, `${field}.network`)
    const { connCount = 'unlimited', rate = 'unlimited', burst } = init

    if (names.has(network.toString())) {
      throw invalid(`${field}.network`, 'every network once', network)
    }

    if (rate === 'unlimited' && burst !== undefined) {
      throw invalid(`${field}.rate`, 'a number, as there is a burst', rate)
    }

    names.add(network.toString())

    return {
      network,
      connCount: resolveConnCount(`${field}.connCount`, connCount),
      rate: resolveRate(field, { rate, burst }),
      setting: SETTING
    }
  })
}
