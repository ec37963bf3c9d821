import type { Core } from './core.ts'
import type { Handshakes } from './fairness/handshakes.ts'
import type { TransientHolders } from './fairness/transient-holders.ts'
import type { Pressure } from './pressure/pressure.ts'
import type { AggregateScope } from '../scopes/aggregate-scope.ts'
import type { DefaultConnectionScope } from '../scopes/connection-scope.ts'
import type { Refusal } from '../scopes/refusal.ts'
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Why something must not be opened, if so. Nothing is counted.
 */
type Check<T> = (subject: T) => Refusal | undefined

/**
 * What a node asks before something that a remote opens may have a scope: nothing of those
 * who are trusted, who may have scopes of their own. The order is said here, for what is
 * opened and for `explain`.
 */
export class OpeningChecks {
  readonly #core: Core

  /** By the address that it counts as, if it has one */
  readonly #ofConnections: ReadonlyArray<Check<Multiaddr | undefined>>

  /** By the scope of its peer, if there is one */
  readonly #ofStreams: ReadonlyArray<Check<AggregateScope | undefined>>

  /**
   * Set where handshakes have a budget
   */
  handshakes?: Pick<Handshakes, 'find' | 'begin'>

  /**
   * @param core
   * @param transient
   * @param pressure - where the process itself is watched
   */
  constructor (core: Core, transient: TransientHolders, pressure?: Pressure) {
    this.#core = core
    this.#ofConnections = [
      () => pressure?.find('connection'),
      address => this.handshakes?.find(address),
      address => address == null ? undefined : transient.findConnection(address)
    ]
    this.#ofStreams = [
      () => pressure?.find('stream'),
      peer => transient.findStream(peer)
    ]
  }

  /**
   * Why an inbound connection must not be opened, if so
   *
   * @param address - the one that it counts as: none if it comes from a proxy
   */
  findConnection (address?: Multiaddr): Refusal | undefined {
    return this.#core.isAllowlisted(address) ? undefined : find(this.#ofConnections, address)
  }

  /**
   * The same, and it counts as a refusal
   */
  refuseConnection (address?: Multiaddr): Refusal | undefined {
    return this.#core.isAllowlisted(address) ? undefined : this.#refuse(this.#ofConnections, address, address)
  }

  /**
   * Why an inbound stream must not be opened, if so
   *
   * @param peer
   * @param connection - the one that it would be opened on, if that is known
   */
  findStream (peer?: PeerId, connection?: Pick<DefaultConnectionScope, 'endpoint'>): Refusal | undefined {
    if (this.#trusts(peer, connection?.endpoint)) {
      return
    }

    return find(this.#ofStreams, peer == null ? undefined : this.#core.metricsSource.graph.peers.get(peer.toString()))
  }

  /**
   * The same for a connection whose peer is known, and it counts as a refusal
   */
  refuseStream (connection: DefaultConnectionScope, peer: PeerId): Refusal | undefined {
    return this.#trusts(peer, connection.endpoint) ? undefined : this.#refuse(this.#ofStreams, connection.peerScope, connection)
  }

  #trusts (peer: PeerId | undefined, address: Multiaddr | undefined): boolean {
    return this.#core.isAllowlisted(address) || (peer != null && this.#core.isTrustedPeer(peer))
  }

  /**
   * Where limits are not enforced each of them is counted
   */
  #refuse <T> (checks: ReadonlyArray<Check<T>>, subject: T, requester: Refusal['requester']): Refusal | undefined {
    for (const check of checks) {
      const refusal = this.#core.refuse(check(subject), requester)

      if (refusal !== undefined) {
        return refusal
      }
    }
  }
}

function find <T> (checks: ReadonlyArray<Check<T>>, subject: T): Refusal | undefined {
  for (const check of checks) {
    const refusal = check(subject)

    if (refusal !== undefined) {
      return refusal
    }
  }
}
