import { IPAddress } from './ip-address.ts'
import { parseIP } from './parse-ip.ts'
import { checkWholeNumber, invalid } from './validation.ts'

/**
 * An IPv4-mapped IPv6 address has the IPv4 address in its last 32 bits
 */
const IPV4_MAPPED_PREFIX_LENGTH = 96

/**
 * The mask that keeps the first `prefixLength` bits of an address, for one of its 32 bit words
 */
export function wordMask (prefixLength: number, word: 0 | 1 | 2 | 3): number {
  const bits = prefixLength - word * 32

  // shifting a word by all of its 32 bits would not shift it at all
  if (bits <= 0) {
    return 0
  }

  return bits >= 32 ? -1 : -1 << (32 - bits)
}

/**
 * All the IP addresses that begin with the same bits
 */
export class IPNetwork {
  /**
   * The lowest address of the network
   */
  readonly address: IPAddress

  /**
   * How many bits the addresses have in common
   */
  readonly prefixLength: number

  readonly #mask0: number
  readonly #mask1: number
  readonly #mask2: number
  readonly #mask3: number

  /**
   * The network of an address: its bits after the prefix are ignored
   */
  constructor (ip: IPAddress, prefixLength: number = ip.bits) {
    this.prefixLength = prefixLength
    this.#mask0 = wordMask(prefixLength, 0)
    this.#mask1 = wordMask(prefixLength, 1)
    this.#mask2 = wordMask(prefixLength, 2)
    this.#mask3 = wordMask(prefixLength, 3)
    this.address = new IPAddress(
      ip.version,
      ip.word0 & this.#mask0,
      ip.word1 & this.#mask1,
      ip.word2 & this.#mask2,
      ip.word3 & this.#mask3
    )
  }

  contains (ip: IPAddress): boolean {
    const { address } = this

    return ip.version === address.version &&
      ((ip.word0 ^ address.word0) & this.#mask0) === 0 &&
      ((ip.word1 ^ address.word1) & this.#mask1) === 0 &&
      ((ip.word2 ^ address.word2) & this.#mask2) === 0 &&
      ((ip.word3 ^ address.word3) & this.#mask3) === 0
  }

  /**
   * The normal form, such as `10.0.0.0/8`: networks are equal when it is
   */
  toString (): string {
    return `${this.address}/${this.prefixLength}`
  }
}

/**
 * Reads a network such as `10.0.0.0/8` or `2001:db8::/32`. An address without a
 * prefix length is the network of this one host.
 *
 * @param text - what was configured
 * @param field - where it was configured, for the error message
 * @throws {InvalidParametersError} if it is not a network
 */
export function parseNetwork (text: string, field: string): IPNetwork {
  const slash = typeof text === 'string' ? text.indexOf('/') : -1
  const host = slash === -1 ? text : text.slice(0, slash)
  const ip = typeof host === 'string' ? parseIP(host) : undefined

  if (ip == null) {
    throw invalid(field, 'a network such as "10.0.0.0/8"', text)
  }

  if (slash === -1) {
    return new IPNetwork(ip)
  }

  const length = text.slice(slash + 1)
  const offset = ip.version === 4 && host.includes(':') ? IPV4_MAPPED_PREFIX_LENGTH : 0
  const prefixLength = /^\d{1,3}$/.test(length) ? Number(length) - offset : NaN

  if (!(prefixLength >= 0 && prefixLength <= ip.bits)) {
    throw invalid(field, `a prefix length from ${offset} to ${offset + ip.bits}`, text)
  }

  return new IPNetwork(ip, prefixLength)
}

/**
 * Throws `InvalidParametersError` unless a prefix length fits the IP version
 */
export function checkPrefixLength (field: string, prefixLength: number, version: 4 | 6): void {
  checkWholeNumber(field, prefixLength, 0, version === 4 ? 32 : 128)
}

/**
 * Sorts the most specific network first
 */
export function mostSpecificFirst (a: { prefixLength: number }, b: { prefixLength: number }): number {
  return b.prefixLength - a.prefixLength
}

/**
 * Networks that are not routed on the internet: for private use (RFC 1918 and
 * RFC 4193) and for a single link (RFC 3927 and RFC 4291). Not in the list is
 * the address space that carriers share between their customers
 * (`100.64.0.0/10`): the hosts in it belong to strangers.
 */
export const PRIVATE_NETWORKS: readonly string[] = Object.freeze([
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  'fc00::/7',
  'fe80::/10'
])
