import { multiaddr } from '@multiformats/multiaddr'
import fc from 'fast-check'
import { Admission } from '../../src/admission/admission.ts'
import { SubnetLimiter } from '../../src/admission/subnet-limiter.ts'
import { IPAddress } from '../../src/util/ip-address.ts'
import { parseIP } from '../../src/util/parse-ip.ts'
import type { AdmissionInit } from '../../src/admission/admission-options.ts'
import type { Refusal } from '../../src/scopes/refusal.ts'
import type { MessageStreamDirection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })

export const ipv4 = word.map(word => new IPAddress(4, word, 0, 0, 0))

export const ipv6 = fc.tuple(word, word, word, word)
  .filter(([word0, word1, word2]) => word0 !== 0 || word1 !== 0 || word2 !== 0xffff)
  .map(([word0, word1, word2, word3]) => new IPAddress(6, word0, word1, word2, word3))

export function ip (text: string): IPAddress {
  const ip = parseIP(text)

  if (ip == null) {
    throw new Error(`Not an IP address: ${text}`)
  }

  return ip
}

export function ma (text: string): Multiaddr {
  return multiaddr(text)
}

/**
 * A clock that stands still until it is set
 */
export class TestClock {
  ms = 0

  now = (): number => this.ms

  passSeconds (seconds: number): void {
    this.ms += seconds * 1_000
  }
}

/**
 * The addresses of the connections that there are, which the graph of a manager knows
 */
class Connections {
  readonly addresses: IPAddress[] = []

  add (refusal: Refusal | undefined, ip: IPAddress | undefined): Refusal | undefined {
    if (refusal === undefined && ip !== undefined) {
      this.addresses.push(ip)
    }

    return refusal
  }

  delete (ip: IPAddress | undefined): void {
    const index = this.addresses.findIndex(other => ip?.equals(other))

    if (index !== -1) {
      this.addresses.splice(index, 1)
    }
  }
}

/**
 * An admission that has connections, as that of a manager has
 */
export class TestAdmission extends Admission {
  readonly #connections = new Connections()

  constructor (init: AdmissionInit) {
    super(init)
    this.countAgainFrom(() => this.#connections.addresses)
  }

  override admit (ip: IPAddress | undefined, direction: MessageStreamDirection): Refusal | undefined {
    return this.#connections.add(super.admit(ip, direction), ip)
  }

  override count (ip: IPAddress | undefined, direction: MessageStreamDirection): Refusal | undefined {
    return this.#connections.add(super.count(ip, direction), ip)
  }

  override release (ip: IPAddress | undefined): void {
    this.#connections.delete(ip)
    super.release(ip)
  }
}

/**
 * A limiter that has connections
 */
export class TestSubnetLimiter extends SubnetLimiter {
  readonly #connections = new Connections()

  override countedAddresses = (): Iterable<IPAddress> => this.#connections.addresses

  override add (ip: IPAddress, direction: MessageStreamDirection): Refusal | undefined {
    return this.#connections.add(super.add(ip, direction), ip)
  }

  override remove (ip: IPAddress): void {
    this.#connections.delete(ip)
    super.remove(ip)
  }
}
