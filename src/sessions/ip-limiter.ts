import { ANY, checkDescribed } from '../util/description.ts'
import { parseNetwork } from '../util/ip-network.ts'
import { NetworkMap } from '../util/network-map.ts'
import { parseIP } from '../util/parse-ip.ts'
import { checkList, checkObject } from '../util/validation.ts'
import type { DescriptionOf } from '../util/description.ts'

/**
 * Decides by its IP address whether traffic is of interest
 */
export interface IPFilter {
  /**
   * Whether traffic with this address is of interest
   *
   * @param ip - an IPv4 or IPv6 address, such as `1.2.3.4` or `2001:db8::1`
   */
  isAllowed(ip: string): boolean
}

/**
 * Which IP addresses a collector observes
 */
export interface IPLimiterInit {
  /**
   * Networks such as `10.0.0.0/8`, or single addresses, that are refused, even if
   * they are in `allow` too
   *
   * @default []
   */
  block?: string[]

  /**
   * Networks such as `2001:db8::/32`, or single addresses, that are the only ones
   * allowed. If there are none, all that are not blocked are allowed.
   *
   * @default []
   */
  allow?: string[]
}

const IP_LIMITER_OPTIONS = { block: ANY, allow: ANY } as const satisfies DescriptionOf<IPLimiterInit>

/**
 * Allows IP addresses by lists of networks. What is not an IP address is refused. An
 * IPv4 address that is written as IPv6 address (`::ffff:1.2.3.4`) is the same
 * address.
 */
export class IPLimiter implements IPFilter {
  readonly #block: NetworkMap<true>
  readonly #allow?: NetworkMap<true>

  /**
   * @throws {InvalidParametersError} If something in the lists is not a network, or they
   * are no lists
   */
  constructor (init: IPLimiterInit = {}) {
    checkObject('init', init)
    checkDescribed('init', init, IP_LIMITER_OPTIONS)

    const { block, allow } = init

    this.#block = networks('block', block)
    this.#allow = allow == null || allow.length === 0 ? undefined : networks('allow', allow)
  }

  isAllowed (ip: string): boolean {
    const address = typeof ip === 'string' ? parseIP(ip) : undefined

    if (address == null || this.#block.match(address) === true) {
      return false
    }

    return this.#allow == null || this.#allow.match(address) === true
  }
}

/**
 * Allows everything, whether it is an IP address or not
 */
export class NullIPLimiter implements IPFilter {
  isAllowed (): boolean {
    return true
  }
}

function networks (field: string, list: string[] = []): NetworkMap<true> {
  const map = new NetworkMap<true>()

  checkList(field, list)
  list.forEach((text, index) => { map.set(parseNetwork(text, `${field}[${index}]`), true) })

  return map
}
