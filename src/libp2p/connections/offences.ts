import { checkReason } from '../../bans/ban-keeper.ts'
import { DefaultConnectionScope } from '../../scopes/connection-scope.ts'
import { DefaultStreamScope, connectionOf } from '../../scopes/stream-scope.ts'
import { checkWholeNumber } from '../../util/validation.ts'
import type { BanKeeper } from '../../bans/ban-keeper.ts'
import type { Place } from '../../bans/ban.ts'
import type { Eviction } from '../../scopes/evictions.ts'
import type { Refusal } from '../../scopes/refusal.ts'
import type { ScopeGraph } from '../../scopes/scope-graph.ts'
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * What the word of a handler counts unless it says more
 */
const REPORT_STRIKES = 10
const MAX_REPORT_STRIKES = 1_000_000

/**
 * The scopes in which each peer has a limit of its own. A scope that others have filled is not
 * the fault of whoever comes later.
 */
const OWN_SCOPES = new Set(['peer', 'protocolPeer', 'servicePeer'])

export interface OffencesInit {
  graph: ScopeGraph
  keeper: BanKeeper

  /** All that are accounted for */
  connections: Iterable<{ readonly scope: DefaultConnectionScope }>

  /** Whether an address is trusted, whoever is there */
  isAllowlisted(address?: Multiaddr): boolean

  /** Whether bans do not concern a peer that is at an address */
  isExempt(peer: PeerId, address: Multiaddr | undefined): boolean
  placeOf(address: Multiaddr | undefined): Place | undefined
}

/**
 * What on a node counts as a strike, and whose it is
 */
export class Offences {
  readonly #init: OffencesInit
  readonly #keeper: BanKeeper

  constructor (init: OffencesInit) {
    this.#init = init
    this.#keeper = init.keeper
  }

  /**
   * Something was refused
   */
  refused (refusal: Refusal): void {
    const { fullScope, requester: scope, resource } = refusal

    if (fullScope === undefined ? !this.#isOwn(refusal) : resource === 'memory' || !OWN_SCOPES.has(fullScope.kind)) {
      return
    }

    if (scope instanceof DefaultConnectionScope || scope instanceof DefaultStreamScope) {
      scope.inbound && this.#strikeFor(refusal, scope)
    } else if (refusal.direction === 'inbound' && scope != null && 'getComponents' in scope) {
      this.#strikeUnproved(scope)
    }
  }

  /**
   * Something has given way to others
   */
  evicted ({ scope, victim }: Eviction): void {
    const connection = connectionOf(victim)
    const peer = victim.peerScope?.peer

    if (peer !== undefined && connection !== undefined && !this.#init.isExempt(peer, connection.endpoint)) {
      this.#keeper.strike(peer, 'eviction', `holding most of ${scope.name}`, this.#init.placeOf(connection.endpoint))
    }
  }

  /**
   * A handler knows better
   *
   * @throws {InvalidParametersError} naming the argument that cannot be used
   */
  report (peer: PeerId, reason: string, strikes: number = REPORT_STRIKES): void {
    checkReason(reason)
    checkWholeNumber('strikes', strikes, 1, MAX_REPORT_STRIKES)

    const connection = this.#connectionsOf(peer).find(({ inbound }) => inbound)

    if (!this.#init.isExempt(peer, connection?.endpoint)) {
      this.#keeper.strike(peer, 'report', reason, this.#init.placeOf(connection?.endpoint), strikes)
    }
  }

  /**
   * Limits of each peer that are no scopes: rates, and the share of transient. The rate of a
   * protocol is for all peers.
   */
  #isOwn ({ kind, resource }: Refusal): boolean {
    return (kind === 'peer' && resource === 'rate') || kind === 'subnet' || kind === 'transient'
  }

  #strikeFor ({ joining, scope }: Refusal, member: DefaultConnectionScope | DefaultStreamScope): void {
    const { endpoint } = connectionOf(member) ?? {}
    // of a connection whose peer had no room for it
    const peerScope = member.peerScope ?? (joining === undefined ? undefined : this.#init.graph.peers.get(joining))

    if (peerScope?.peer === undefined) {
      this.#strikeUnproved(endpoint)
    } else if (this.#keeper.isDue(peerScope.key) && !this.#init.isExempt(peerScope.peer, endpoint)) {
      this.#keeper.strike(peerScope.peer, 'refusal', `more than ${scope} may have`, this.#init.placeOf(endpoint))
    }
  }

  #strikeUnproved (address: Multiaddr | undefined): void {
    const place = this.#init.placeOf(address)

    if (place !== undefined && !this.#init.isAllowlisted(address)) {
      this.#keeper.strikeUnproved(place)
    }
  }

  #connectionsOf (peer: PeerId): DefaultConnectionScope[] {
    const key = peer.toString()

    return Array.from(this.#init.connections, ({ scope }) => scope).filter(({ peerScope }) => peerScope?.key === key)
  }
}
