import { ipFromAddress } from '../util/ip-from-address.ts'
import { parseNetwork } from '../util/ip-network.ts'
import { checkList } from '../util/validation.ts'
import type { IPAddress } from '../util/ip-address.ts'
import type { IPNetwork } from '../util/ip-network.ts'

/**
 * The addresses of reverse proxies, which say whom they forward
 */
export class TrustedProxies {
  readonly #networks: IPNetwork[]

  /**
   * @throws {InvalidParametersError} naming what is not a network
   */
  constructor (networks: string[] = []) {
    checkList('trustedProxies', networks)
    this.#networks = networks.map((network, i) => parseNetwork(network, `trustedProxies[${i}]`))
  }

  has (ip: IPAddress): boolean {
    return this.#networks.some(network => network.contains(ip))
  }

  /**
   * The last address in an `X-Forwarded-For` header that is not one of a proxy. Each proxy adds
   * its client, so anybody may have written what comes before.
   *
   * @returns Nothing where it is not an address
   */
  forwardedFor (header: string): IPAddress | undefined {
    for (const entry of header.split(',').reverse()) {
      const ip = ipFromAddress(entry.trim())

      if (ip == null || !this.has(ip)) {
        return ip
      }
    }
  }
}
