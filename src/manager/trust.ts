import { DefaultConnectionScope } from '../scopes/connection-scope.ts'
import type { Admission } from '../admission/admission.ts'
import type { ConnectionScope } from '../scopes/resource-scope.ts'
import type { ScopeGraph } from '../scopes/scope-graph.ts'
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Who is trusted, and who is behind an address. Without admission, nobody is trusted, and every
 * remote is who it seems to be.
 */
export class Trust {
  readonly #graph: ScopeGraph

  /** Where anything is decided by address */
  admission?: Admission = undefined

  constructor (graph: ScopeGraph) {
    this.#graph = graph
  }

  /**
   * Whether an address is trusted, whoever is there
   */
  isAllowlisted (endpoint?: Multiaddr): boolean {
    const allowlist = this.admission?.allowlist

    return endpoint != null && allowlist !== undefined && !allowlist.empty && allowlist.allowed(endpoint)
  }

  /**
   * Whether a peer is trusted wherever it is
   */
  isTrustedPeer (peer: PeerId): boolean {
    return this.#graph.admission?.trusts(peer) === true
  }

  /**
   * Whether there may be peers that are trusted at any address
   */
  get namesPeers (): boolean {
    return this.admission?.allowlist.namesPeers === true
  }

  /**
   * Whether an address or a peer is trusted, and need not pass the checks for strangers
   */
  isKnown (peer: PeerId | undefined, address: Multiaddr | undefined): boolean {
    return this.isAllowlisted(address) || (peer !== undefined && this.isTrustedPeer(peer))
  }

  /**
   * Whether streams with a peer may use the allowlisted pair.
   *
   * A trusted connection is under the normal pair if there was room for it. Its streams are
   * trusted all the same.
   */
  isTrusted (peer: PeerId, connection: Pick<ConnectionScope, 'allowlisted'>): boolean {
    return connection.allowlisted || (connection instanceof DefaultConnectionScope && this.#graph.admission?.staysAllowlisted(peer, connection) === true)
  }

  /**
   * Whether an address belongs to a reverse proxy, which forwards others
   */
  isProxy (address: Multiaddr): boolean {
    return this.admission?.isProxy(address) === true
  }

  /**
   * Whom a reverse proxy forwards, if it says so
   *
   * @param header - `X-Forwarded-For`
   */
  forwardedFor (header: string): string | undefined {
    return this.admission?.forwardedFor(header)?.toString()
  }

  /**
   * The part of an address that a remote cannot choose, if decisions depend on it
   */
  hostOf (address: Multiaddr): string | undefined {
    return this.admission?.hostOf(address)
  }
}
