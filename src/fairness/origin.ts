import { ipFromMultiaddr } from '../admission/ip-from-address.ts'
import { IPNetwork } from '../admission/ip-network.ts'
import type { Groups, PrefixLengths } from './fairness-init.ts'
import type { IPAddress } from '../admission/ip-address.ts'
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
 * Where all are whose address does not say it. They share one group: nothing would keep
 * one remote from having any number of such addresses.
 */
const NOWHERE: Origin = { network: 'no IP address', subnet: '', host: '' }

const CIRCUIT = '/p2p-circuit'
const PEER = '/p2p/'

/**
 * Where a connection comes from. One that is relayed comes from its relay, whatever the
 * address of that: all who use the relay share what it has.
 */
export function originOf (address: Multiaddr | undefined, { hosts, networks, subnets }: Groups): Origin {
  if (address == null) {
    return NOWHERE
  }

  const ip = ipFromMultiaddr(address)

  if (ip != null) {
    return { network: prefixOf(ip, networks), subnet: prefixOf(ip, subnets), host: prefixOf(ip, hosts) }
  }

  const text = address.toString()
  const circuit = text.indexOf(CIRCUIT)

  return circuit === -1 ? NOWHERE : { network: `relay ${relayIn(text.slice(0, circuit))}`, subnet: '', host: '' }
}

/**
 * The peer id of a relay, or its address where that has none
 */
function relayIn (address: string): string {
  const peer = address.lastIndexOf(PEER)

  return peer === -1 ? address : address.slice(peer + PEER.length)
}

function prefixOf (ip: IPAddress, { ipv4, ipv6 }: PrefixLengths): string {
  return String(new IPNetwork(ip, ip.version === 4 ? ipv4 : ipv6))
}
