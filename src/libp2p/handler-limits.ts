import { accepts } from '../limits/follow-handlers.ts'
import { ConcreteLimiter } from '../limits/limiter.ts'
import type { LimitsInForce } from '../manager/limits-in-force.ts'
import type { StreamHandlerOptions } from '@libp2p/interface'

/**
 * Has limits that nobody has set follow what handlers accept
 */
export class HandlerLimits {
  readonly #limits: LimitsInForce

  /** How many inbound streams handlers accept, by protocol, where they say so */
  readonly #accepted: Map<string, number>

  /**
   * @param limits
   * @param accepted - what the limits are derived with
   */
  constructor (limits: LimitsInForce, accepted: Map<string, number>) {
    this.#limits = limits
    this.#accepted = accepted
  }

  /**
   * Lets one peer have as many streams as the handler of a protocol accepts
   *
   * @returns The limiter in force, unless a custom one computes the limits
   */
  follow (protocol: string, { maxInboundStreams: count = 0 }: StreamHandlerOptions = {}): ConcreteLimiter | undefined {
    const { limiter } = this.#limits

    if (!(limiter instanceof ConcreteLimiter) || !Number.isFinite(count)) {
      return
    }

    const limits = [limiter.getProtocolLimits(protocol), limiter.getProtocolPeerLimits(protocol), limiter.config.peerDefault]

    if (this.#accepted.get(protocol) !== count && !limits.every(limit => accepts(limit, count))) {
      this.#accepted.set(protocol, count)
      this.#limits.deriveAgain()
    }

    return this.#limits.limiter as ConcreteLimiter
  }
}
