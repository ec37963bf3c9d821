import { isMultiaddr, multiaddr } from '@multiformats/multiaddr'
import { invalid } from './validation.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Reads an address that may be given as text
 *
 * @param address
 * @param field - where it was given, for the error message
 * @throws {InvalidParametersError} if it is no multiaddr
 */
export function toMultiaddr (address: Multiaddr | string, field: string): Multiaddr {
  if (isMultiaddr(address)) {
    return address
  }

  try {
    if (typeof address === 'string' && address !== '') {
      return multiaddr(address)
    }
  } catch {
    // it is no multiaddr, whatever it is
  }

  throw invalid(field, 'a multiaddr such as "/ip4/1.2.3.4"', address)
}
