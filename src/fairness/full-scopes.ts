import { DefaultConnectionScope } from '../scopes/connection-scope.ts'
import { DefaultStreamScope } from '../scopes/stream-scope.ts'
import { SharedScope } from './shared-scope.ts'
import type { FairMember, GroupPath } from './fair-pool.ts'
import type { SharedScopeInit } from './shared-scope.ts'
import type { AggregateScope } from '../scopes/aggregate-scope.ts'
import type { MovableScope, PlacementObserver } from '../scopes/movable-scope.ts'
import type { ScopeGraph } from '../scopes/scope-graph.ts'

export interface FullScopesInit extends SharedScopeInit {
  graph: ScopeGraph

  /** All connections and streams that there are */
  connections(): Iterable<DefaultConnectionScope>
  streams(): Iterable<DefaultStreamScope>

  /** The groups that somebody belongs to */
  pathOf(member: MovableScope): GroupPath
}

/**
 * Who holds what of full scopes. As long as there is room, nothing is known here and nothing is
 * observed. When something does not fit into a shared scope, its holders are collected, and
 * observed until half of them are gone.
 */
export class FullScopes implements PlacementObserver {
  readonly #init: FullScopesInit
  readonly #connections = new Map<AggregateScope, SharedScope>()
  readonly #streams = new Map<AggregateScope, SharedScope>()

  constructor (init: FullScopesInit) {
    this.#init = init
  }

  /**
   * How many scopes are observed
   */
  get observed (): number {
    return this.#connections.size + this.#streams.size
  }

  /**
   * Whether a remote has a connection, or a stream, in a scope
   */
  isHeld (scope: AggregateScope, connection: boolean): boolean {
    return (connection ? scope.connsInbound : scope.streamsInbound) > 0
  }

  /**
   * Who holds the connections, or the streams, of a scope, if anybody does
   */
  share (scope: AggregateScope, connection: boolean): SharedScope | undefined {
    const scopes = connection ? this.#connections : this.#streams
    const known = scopes.get(scope)

    if (known !== undefined || !this.isHeld(scope, connection)) {
      return known
    }

    const shared = new SharedScope(scope, this.#init)

    for (const member of connection ? this.#init.connections() : this.#init.streams()) {
      if (member.inbound && !member.closed && isIn(member, scope)) {
        placesOf(member).push(shared.add(member, this.#init.pathOf(member), shared.rankOf(member)))
      }
    }

    scopes.set(scope, shared)
    this.#init.graph.placements = this

    return shared
  }

  /**
   * What a peer is worth has changed
   */
  worthChanged (peer: string): void {
    for (const shared of this.#all()) {
      for (const member of shared.members) {
        if (member.value.peerScope?.key === peer) {
          shared.rerank(member, shared.rankOf(member.value))
        }
      }
    }
  }

  // PlacementObserver

  placed (member: MovableScope): void {
    const before = this.#remove(member)

    if (member.inbound && !member.allowlisted) {
      const path = this.#init.pathOf(member)

      for (const shared of this.#kindOf(member).values()) {
        if (isIn(member, shared.scope)) {
          placesOf(member).push(shared.add(member, path, shared.rankOf(member)))
        }
      }
    }

    before.forEach(({ pool }) => { this.#forgetIfHalfEmpty(pool as SharedScope) })
  }

  left (member: MovableScope): void {
    this.#remove(member).forEach(({ pool }) => { this.#forgetIfHalfEmpty(pool as SharedScope) })
  }

  /**
   * Observes nothing any more
   */
  clear (): void {
    this.#all().forEach(shared => { this.#forget(shared) })
  }

  /**
   * Forgets a scope when half of its holders are gone. As many must come to fill it again, so
   * collecting the holders anew costs each of these about as much as observing it would.
   */
  #forgetIfHalfEmpty (shared: SharedScope): void {
    if (2 * shared.size < shared.peak) {
      this.#forget(shared)
    }
  }

  #forget (shared: SharedScope): void {
    for (const member of shared.members) {
      const places = placesOf(member.value)

      places.splice(places.indexOf(member), 1)
    }

    this.#connections.get(shared.scope) === shared && this.#connections.delete(shared.scope)
    this.#streams.get(shared.scope) === shared && this.#streams.delete(shared.scope)

    if (this.observed === 0) {
      this.#init.graph.placements = undefined
    }
  }

  #remove (member: MovableScope): Array<FairMember<MovableScope>> {
    const places = member.places as Array<FairMember<MovableScope>> | undefined

    if (places === undefined) {
      return []
    }

    member.places = undefined
    places.forEach(member => { member.pool.remove(member) })

    return places
  }

  #kindOf (member: MovableScope): Map<AggregateScope, SharedScope> {
    return member instanceof DefaultConnectionScope ? this.#connections : this.#streams
  }

  #all (): SharedScope[] {
    return [...this.#connections.values(), ...this.#streams.values()]
  }
}

function placesOf (member: MovableScope): Array<FairMember<MovableScope>> {
  member.places ??= []

  return member.places as Array<FairMember<MovableScope>>
}

/**
 * Whether something is counted in a scope that is shared
 */
function isIn (member: MovableScope, scope: AggregateScope): boolean {
  const { pair, peerScope, servicePeer } = member

  if (scope === pair.system || scope === servicePeer?.whole) {
    return true
  }

  if (member instanceof DefaultStreamScope) {
    return scope === (member.protocolPeer?.whole ?? pair.transient)
  }

  return peerScope === undefined && scope === pair.transient
}
