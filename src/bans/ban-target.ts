import { isPeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { CODE_IPCIDR, isMultiaddr, multiaddr } from '@multiformats/multiaddr'
import { ipFromMultiaddr } from '../util/ip-from-address.ts'
import { parseNetwork } from '../util/ip-network.ts'
import { peerInAddress } from '../util/peers-in-address.ts'
import { invalid } from '../util/validation.ts'
import type { IPNetwork } from '../util/ip-network.ts'
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Who is banned: a peer, an IP address or a network. As text: `12D3Koo…`, `192.0.2.1`,
 * `2001:db8::/32`, or a multiaddr such as `/ip4/192.0.2.1`, `/ip4/192.0.2.0/ipcidr/24` or
 * `/p2p/12D3Koo…`.
 */
export type BanTarget = PeerId | Multiaddr | string

const EXPECTED = 'a peer id, an IP address, a network such as "192.0.2.0/24", or a multiaddr of one of them'

/**
 * @throws {InvalidParametersError} if it is nobody, or both a peer and an address
 */
export function parseTarget (target: BanTarget): { peer: PeerId } | { network: IPNetwork } {
  if (isPeerId(target)) {
    return { peer: target }
  }

  if (isMultiaddr(target)) {
    return parseAddress(target)
  }

  if (typeof target !== 'string') {
    throw invalid('target', EXPECTED, target)
  }

  if (target.startsWith('/')) {
    return parseAddress(readAddress(target))
  }

  // peer ids have neither dots nor colons
  return /[.:]/.test(target) ? { network: parseNetwork(target, 'target') } : { peer: parsePeer(target) }
}

function readAddress (target: string): Multiaddr {
  try {
    return multiaddr(target)
  } catch {
    throw invalid('target', EXPECTED, target)
  }
}

function parsePeer (target: string): PeerId {
  try {
    return peerIdFromString(target)
  } catch {
    throw invalid('target', EXPECTED, target)
  }
}

function parseAddress (address: Multiaddr): { peer: PeerId } | { network: IPNetwork } {
  const components = address.getComponents()
  const peer = peerInAddress(address)
  const ip = ipFromMultiaddr(address)

  // the port is no part of who it is
  if (ip != null && peer == null) {
    const host = components.find(({ name }) => name === 'ip4' || name === 'ip6')?.value
    const length = components.find(({ code }) => code === CODE_IPCIDR)?.value

    return { network: parseNetwork(length == null ? `${host}` : `${host}/${length}`, 'target') }
  }

  if (peer != null && components.length === 1) {
    return { peer }
  }

  throw invalid('target', EXPECTED, String(address))
}
