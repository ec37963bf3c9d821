import { multiaddr } from '@multiformats/multiaddr'
import fc from 'fast-check'
import { IPAddress, parseIP } from '../../src/util/ip-address.ts'
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
