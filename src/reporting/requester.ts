import { isMultiaddr } from '@multiformats/multiaddr'
import type { Refusal } from '../scopes/refusal.ts'
import type { ScopeKind } from '../scopes/scope-kind.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Who asked for something. Nothing of it is formatted.
 */
export interface Requester {
  /** At the other end of the connection */
  readonly address?: Multiaddr

  /** The id of the peer */
  readonly peer?: string
  readonly protocol?: string
  readonly service?: string
}

/**
 * The same in text, as errors have it. What is not known is not there.
 */
export interface NamedRequester extends Omit<Requester, 'address'> {
  /** The address at the other end of the connection */
  readonly address?: string
}

type Known = { -readonly [K in keyof Requester]: Requester[K] }

export function nameRequester ({ address, ...rest }: Requester): NamedRequester {
  const named = Object.entries({ address: address?.toString(), ...rest }).filter(([, value]) => value != null)

  return Object.fromEntries(named)
}

/**
 * Who asked for what is refused, as far as that is known now
 */
export function requesterOf ({ joining, requester }: Pick<Refusal, 'requester'> & Partial<Pick<Refusal, 'joining'>>): Requester {
  if (requester == null || isMultiaddr(requester)) {
    return { address: requester }
  }

  let scope = requester

  while (scope.owner != null) {
    scope = scope.owner
  }

  const { connection, endpoint, whole, kind, peerScope, protocolPeer, servicePeer } = scope
  const result: Known = { address: endpoint ?? connection?.endpoint, peer: undefined, protocol: undefined, service: undefined }

  addTo(result, scope)
  addTo(result, whole)
  addTo(result, peerScope)
  addTo(result, protocolPeer?.whole)
  addTo(result, servicePeer?.whole)

  if (joining != null) {
    // connections get a peer and then a service, streams a protocol and then a service
    const first = kind === 'conn' ? 'peer' : 'protocol'

    result[result[first] == null ? first : 'service'] = joining
  }

  return result
}

/**
 * This happens during a flood, so there is no closure
 */
function addTo (result: Known, named?: { readonly key?: string, readonly kind?: ScopeKind }): void {
  const kind = named?.kind

  if (kind === 'peer' || kind === 'protocol' || kind === 'service') {
    result[kind] ??= named?.key
  }
}
