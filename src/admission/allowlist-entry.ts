import { peerIdFromString } from '@libp2p/peer-id'
import { CODE_IPCIDR, CODE_P2P } from '@multiformats/multiaddr'
import { ipFromMultiaddr } from '../util/ip-from-address.ts'
import { IPNetwork, parseNetwork } from '../util/ip-network.ts'
import { toMultiaddr } from '../util/to-multiaddr.ts'
import { invalid } from '../util/validation.ts'
import type { PeerPredicate, PeerTag } from './trusted-peers.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Who is trusted: an address, a network, a peer there, or a peer at any address. See
 * `Allowlist`.
 */
export type AllowlistEntry = Multiaddr | string | PeerPredicate | PeerTag

/**
 * What an entry comes to
 */
export type ParsedEntry =
  { readonly address: Multiaddr, readonly network: IPNetwork, readonly peer?: string } |
  { readonly address: Multiaddr, readonly network?: undefined, readonly peer: string } |
  { readonly predicate: PeerPredicate } |
  { readonly tag: string }

const ADDRESS = 'an address that begins with an IP address and is not relayed, or that ends with the peer id of who is trusted, such as "/p2p/12D3Koo…"'

/**
 * @throws {InvalidParametersError} if it is no entry
 */
export function parseEntry (entry: AllowlistEntry): ParsedEntry {
  if (typeof entry === 'function') {
    return { predicate: entry }
  }

  if (typeof entry === 'object' && entry !== null && 'tag' in entry) {
    return { tag: parseTag(entry) }
  }

  const address = toMultiaddr(entry, 'allowlist')
  const ip = ipFromMultiaddr(address)
  const components = address.getComponents()

  if (ip == null) {
    const last = components.at(-1)

    if (last?.code !== CODE_P2P || last.value == null) {
      throw invalid('allowlist', ADDRESS, String(address))
    }

    return { address, peer: parsePeer(last.value) }
  }

  const prefixLength = components.find(({ code }) => code === CODE_IPCIDR)?.value
  const host = components.find(({ name }) => name === 'ip4' || name === 'ip6')?.value
  const peer = components.find(({ code }) => code === CODE_P2P)?.value

  return {
    address,
    // read as text, because what the prefix length counts depends on how the
    // address is written
    network: prefixLength == null ? new IPNetwork(ip) : parseNetwork(`${host}/${prefixLength}`, 'allowlist'),
    peer: peer == null ? undefined : parsePeer(peer)
  }
}

function parseTag (entry: PeerTag): string {
  const { tag, ...others } = entry

  if (typeof tag !== 'string' || tag === '') {
    throw invalid('allowlist: tag', 'the name of a tag', tag)
  }

  const [other] = Object.keys(others)

  if (other !== undefined) {
    throw invalid(`allowlist: tag ${tag}`, 'nothing else', other)
  }

  return tag
}

/**
 * The normal form of a peer id, which can be written in several ways
 */
function parsePeer (peer: string): string {
  try {
    return peerIdFromString(peer).toString()
  } catch {
    throw invalid('allowlist', 'a peer id', peer)
  }
}
