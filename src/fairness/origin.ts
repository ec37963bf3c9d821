import { ipFromMultiaddr } from '../util/ip-from-address.ts'
import { IPNetwork } from '../util/ip-network.ts'
import { relayInAddress } from '../util/peers-in-address.ts'
import type { Groups, PrefixLengths } from './fairness-init.ts'
import type { IPAddress } from '../util/ip-address.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * The groups that a connection is in by where it comes from
 */
export interface Origin {
  readonly network: string
  readonly subnet: string
  readonly host: string
}

/**
 * The origin of all whose address does not say it. They share one group: nothing would keep one
 * remote from having any number of such addresses.
 */
export const NOWHERE: Origin = { network: 'no IP address', subnet: '', host: '' }

/**
 * Where a connection comes from. A relayed connection comes from its relay, whatever the
 * address of that: all who use the relay share its part.
 */
export function originOf (address: Multiaddr | undefined, { hosts, networks, subnets }: Groups): Origin {
  if (address == null) {
    return NOWHERE
  }

  const ip = ipFromMultiaddr(address)

  if (ip != null) {
    return { network: prefixOf(ip, networks), subnet: prefixOf(ip, subnets), host: prefixOf(ip, hosts) }
  }

  const relay = relayInAddress(address)

  return relay === undefined ? NOWHERE : { network: `relay ${relay}`, subnet: '', host: '' }
}

function prefixOf (ip: IPAddress, { ipv4, ipv6 }: PrefixLengths): string {
  return String(new IPNetwork(ip, ip.version === 4 ? ipv4 : ipv6))
}
