import { RateLimiter } from '../admission/rate-limiter.ts'
import { TokenRate } from '../admission/token-rate.ts'
import type { OnLoss } from './without-lease.ts'
import type { ResolvedRateLimits } from '../admission/rate-limits.ts'
import type { SettingPath } from '../limits/setting.ts'

export interface RatesAloneInit {
  limits: ResolvedRateLimits
  onLoss: OnLoss
  setting: SettingPath
  now(): number
}

/**
 * What decides about rates while the fleet is lost
 */
export class RatesAlone {
  readonly #init: RatesAloneInit
  #nodes = -1
  #limiter?: RateLimiter

  constructor (init: RatesAloneInit) {
    this.#init = init
  }

  /**
   * @param count - of the nodes there were last, 0 if that is not known
   * @returns nothing where the rates of the node alone decide
   */
  limiter (count: number): RateLimiter | undefined {
    const { limits, now, onLoss, setting } = this.#init

    if (onLoss === 'local') {
      return
    }

    const nodes = onLoss === 'share' ? count : 0

    if (nodes !== this.#nodes) {
      this.#nodes = nodes
      this.#limiter = new RateLimiter({
        request: 'connection',
        setting,
        clock: now,
        limits: {
          maxSubnets: limits.maxSubnets,
          global: limits.global && shareOf(limits.global, nodes),
          prefixes: limits.prefixes.map(({ network, rate }) => ({ network, rate: rate && shareOf(rate, nodes) })),
          ipv4: limits.ipv4.map(level => ({ ...level, rate: level.rate && shareOf(level.rate, nodes) })),
          ipv6: limits.ipv6.map(level => ({ ...level, rate: level.rate && shareOf(level.rate, nodes) }))
        }
      })
    }

    return this.#limiter
  }
}

/**
 * The part of a rate that each of several nodes may have: at least one, unless nobody may have
 * any. Nothing if the number of nodes is unknown.
 */
export function shareOf ({ burst, interval }: TokenRate, nodes: number): TokenRate {
  return nodes === 0
    ? new TokenRate(1_000 / interval, 0)
    : new TokenRate(1_000 / interval / nodes, Math.min(burst, Math.max(1, Math.floor(burst / nodes))))
}
