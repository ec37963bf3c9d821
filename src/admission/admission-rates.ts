import { Sweeper } from '../util/sweeper.ts'
import { RateLimiter } from './rate-limiter.ts'
import { DEFAULT_MAX_TRACKED } from './rate-limits.ts'
import { SourceVerification } from './source-verification.ts'
import { StreamRateLimiter } from './stream-rates.ts'
import type { AdmissionRules } from './admission-rules.ts'
import type { SubnetLimiter } from './subnet-limiter.ts'
import type { SubnetTables } from './subnet-tables.ts'
import type { Sweepable } from '../util/sweeper.ts'

/**
 * The rates of remotes, by address and by peer, and the memory of who came when
 */
export class AdmissionRates {
  /**
   * Left out where connections have none
   */
  connections?: RateLimiter = undefined

  /**
   * Left out unless they are configured
   */
  streams?: StreamRateLimiter = undefined

  readonly verification: SourceVerification

  readonly #clock: () => number
  readonly #subnetTables: SubnetTables
  readonly #sweeper = new Sweeper()
  #lifted = false

  /**
   * @param rules
   * @param subnets - what half of is let begin without a proof of its address
   * @param subnetTables - where connections are counted
   * @param clock - the time in milliseconds
   */
  constructor (rules: AdmissionRules, subnets: SubnetLimiter, subnetTables: SubnetTables, clock: () => number) {
    this.#clock = clock
    this.#subnetTables = subnetTables
    this.set(rules)
    this.verification = new SourceVerification({ subnets, maxSubnets: rules.rates?.maxSubnets ?? DEFAULT_MAX_TRACKED, clock })
  }

  /**
   * Changes the rates. A bucket whose rate stays the same keeps its tokens.
   *
   * @throws {InvalidParametersError} naming the field that cannot be used. Nothing has changed then.
   */
  set ({ rates, streams }: AdmissionRules): void {
    const clock = this.#clock
    // this may throw, so it comes first
    const streamRates = streams == null ? undefined : new StreamRateLimiter('rateLimits.streams', streams, clock, this.streams)

    this.connections = rates == null ? undefined : new RateLimiter({ limits: rates, request: 'connection', clock, previous: this.connections, tables: this.#subnetTables })
    this.streams = streamRates

    if (rates == null) {
      for (const table of this.#subnetTables) {
        table.clearValues()
      }
    }

    this.lifted = this.#lifted
  }

  /**
   * While it is true, default rates of connections do not apply
   */
  set lifted (lifted: boolean) {
    this.#lifted = lifted

    if (this.connections !== undefined) {
      this.connections.lifted = lifted
    }
  }

  get lifted (): boolean {
    return this.#lifted
  }

  /**
   * Forgets subnets and peers whose buckets are full again
   *
   * @returns false if there is more to check
   */
  sweep (): boolean {
    return this.#sweeper.sweep(this.#tables, this.#clock())
  }

  /**
   * How many buckets of subnets and peers are kept
   */
  get tracked (): number {
    return this.#tables.reduce((sum, { size }) => sum + size, 0)
  }

  get #tables (): Sweepable[] {
    return [
      ...this.connections?.tables ?? [],
      ...this.verification.tables,
      ...this.streams?.tables ?? []
    ]
  }
}
