import { checkDescribed } from '../util/description.ts'
import { parseNetwork } from '../util/ip-network.ts'
import { checkObject } from '../util/validation.ts'
import { ADMISSION_CHANGES, PREFIX_LIMIT } from './admission-options.ts'
import { resolveRules, resolveTrustedNetworks } from './admission-rules.ts'
import { resolvePrefixLimit } from './subnet-limits.ts'
import type { AdmissionChanges } from './admission-options.ts'
import type { AdmissionRates } from './admission-rates.ts'
import type { SubnetLimiter } from './subnet-limiter.ts'
import type { NetworkPrefixLimit } from './subnet-limits.ts'
import type { IPAddress } from '../util/ip-address.ts'

/**
 * The settings of admission that can change while connections are open
 */
export class AdmissionSettings {
  readonly #subnets: SubnetLimiter
  readonly #rates: AdmissionRates
  #options: AdmissionChanges

  /**
   * @param options - those in force
   * @param subnets
   * @param rates
   */
  constructor (options: AdmissionChanges, subnets: SubnetLimiter, rates: AdmissionRates) {
    this.#options = pickChanges(options)
    this.#subnets = subnets
    this.#rates = rates
  }

  /**
   * Whether many hosts have an address, or one of the addresses beside it, by the options
   * `trustedNetworks` and `networks`
   */
  isShared (ip: IPAddress): boolean {
    const { networks = [], trustedNetworks } = this.#options

    return [...resolveTrustedNetworks(trustedNetworks), ...networks.map(({ network }) => network)]
      .some(network => parseNetwork(network, 'network').contains(ip))
  }

  /**
   * Changes options while connections are open: these count in the new limits, and a bucket
   * whose rate stays the same keeps its tokens
   *
   * @param changes - an option that is left out stays as it is
   * @throws {InvalidParametersError} naming the option that cannot be used. Nothing has
   * changed then.
   */
  change (changes: AdmissionChanges): void {
    checkObject('options', changes)
    checkDescribed('options', changes, ADMISSION_CHANGES)

    const options = { ...this.#options, ...changes }
    const rules = resolveRules(options)

    this.#rates.set(rules)

    // others leave them as they are, without those that `removePrefixLimit` has taken back
    if ('networks' in changes || 'subnetLimits' in changes || 'trustedNetworks' in changes) {
      this.#subnets.setLimits(rules.subnets)
    }

    this.#options = pickChanges(options)
  }

  /**
   * Sets the limit of a network, instead of the one it may have. Connections that are
   * open already count.
   *
   * @throws {InvalidParametersError} naming the field that cannot be used
   */
  addPrefixLimit (limit: NetworkPrefixLimit): void {
    checkDescribed('prefixLimit', limit, PREFIX_LIMIT)
    this.#subnets.addPrefix(resolvePrefixLimit(limit, 'prefixLimit'))
  }

  /**
   * Takes the limit of a network back. Connections that are open count in the limits
   * that apply from then on.
   *
   * @returns false if the network has none
   * @throws {InvalidParametersError} if it is not a network
   */
  removePrefixLimit (network: string): boolean {
    return this.#subnets.removePrefix(parseNetwork(network, 'network'))
  }

  /**
   * While it is true, default limits of subnets and rates do not apply, and configured ones do.
   * Connections are counted all the same.
   */
  get lifted (): boolean {
    return this.#rates.lifted
  }

  set lifted (lifted: boolean) {
    this.#subnets.setLifted(lifted)
    this.#rates.lifted = lifted
  }
}

function pickChanges ({ networks, rateLimits, subnetLimits, trustedNetworks }: AdmissionChanges): AdmissionChanges {
  return { networks, rateLimits, subnetLimits, trustedNetworks }
}
