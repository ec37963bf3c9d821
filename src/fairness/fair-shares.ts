import { EvictedError } from '../errors.ts'
import { DefaultConnectionScope } from '../scopes/connection-scope.ts'
import { MovableScope } from '../scopes/movable-scope.ts'
import { DefaultStreamScope } from '../scopes/stream-scope.ts'
import { keyedHash, secretKey } from '../util/keyed-hash.ts'
import { withoutStackTrace } from '../util/without-stack-trace.ts'
import { PROTECTED } from './fair-pool.ts'
import { originOf } from './origin.ts'
import { RecentEvictions } from './recent-evictions.ts'
import { SharedScope } from './shared-scope.ts'
import type { FairMember, GroupPath } from './fair-pool.ts'
import type { FairnessConfig } from './fairness-init.ts'
import type { Origin } from './origin.ts'
import type { SharedScopeInit } from './shared-scope.ts'
import type { AggregateScope } from '../scopes/aggregate-scope.ts'
import type { PlacementObserver } from '../scopes/movable-scope.ts'
import type { OwnedScope } from '../scopes/owned-scope.ts'
import type { Refusal } from '../scopes/refusal.ts'
import type { RoomMaker } from '../scopes/room-maker.ts'
import type { ScopeGraph } from '../scopes/scope-graph.ts'
import type { ScopeKind } from '../scopes/scope-kind.ts'

/**
 * How many are looked at until one is found that has been idle since it was last looked at.
 * Of those that have not, the one that was active first gives way: whoever keeps all that it
 * has active must not make every newcomer look at all of it.
 */
const LOOKS = 16

/**
 * What nobody has a limit of their own in
 */
const SHARED = new Set<ScopeKind>(['transient', 'system', 'protocol', 'service'])

export interface FairSharesInit {
  graph: ScopeGraph
  config: FairnessConfig

  /** All connections and streams that there are */
  connections(): Iterable<DefaultConnectionScope>
  streams(): Iterable<DefaultStreamScope>

  /** See {@link SharedScopeInit.worth} */
  worth: SharedScopeInit['worth']

  /**
   * The service that the streams of a protocol are going to be part of, if so
   */
  serviceOf(protocol: string): string | undefined

  /** In ms, and never goes back */
  now(): number

  /** 8 bytes. Tests need to know it. */
  key?: Uint8Array
}

/**
 * Shares what is full fairly. As long as there is room nobody gives way: nothing is known
 * here, and nothing is observed. When something does not fit into a scope that is shared, it
 * is found out who holds what there, and that is observed until half of it is gone.
 */
export class FairShares implements RoomMaker, PlacementObserver {
  readonly #init: FairSharesInit
  readonly #graph: ScopeGraph
  readonly #scopeInit: SharedScopeInit
  readonly #recent: RecentEvictions

  /** Of the scopes that are full */
  readonly #connections = new Map<AggregateScope, SharedScope>()
  readonly #streams = new Map<AggregateScope, SharedScope>()
  #evicting = false

  constructor (init: FairSharesInit) {
    const { config, graph, key, now, worth } = init

    this.#init = init
    this.#graph = graph
    this.#recent = new RecentEvictions(now)
    this.#scopeInit = { protect: config.protect, worth, hash: keyedHash(key ?? secretKey()), now }
  }

  /**
   * How many scopes are observed
   */
  get observed (): number {
    return this.#connections.size + this.#streams.size
  }

  // RoomMaker

  makeRoom (refusal: Refusal, newcomer: AggregateScope | OwnedScope): boolean {
    // what ends may make others come, and they come too early
    if (this.#evicting || !(newcomer instanceof MovableScope) || !newcomer.inbound) {
      return false
    }

    const scope = refusal.refuser as AggregateScope

    if (!SHARED.has(scope.kind) || !this.#fitsItsPeer(newcomer, scope)) {
      return false
    }

    const path = this.#pathOf(newcomer)
    const connection = newcomer instanceof DefaultConnectionScope

    if (connection && this.#recent.has(hostOf(path))) {
      return false
    }

    const member = this.#find(scope, connection, path, refusal)

    return member !== undefined && this.#evict(member, path, refusal, scope)
  }

  /**
   * Who would give way to something that does not fit, if anybody would
   *
   * @param refusal - why it does not fit
   * @param request
   * @param origin - where it is from
   * @param peer
   */
  findVictim (refusal: Refusal, request: 'connection' | 'stream', origin: Origin, peer = ''): MovableScope | undefined {
    const scope = refusal.refuser as AggregateScope
    const path: GroupPath = [origin.network, origin.subnet, origin.host, peer]
    const connection = request === 'connection'

    if (SHARED.has(scope.kind) && !(connection && this.#recent.has(hostOf(path)))) {
      return this.#find(scope, connection, path, refusal)?.value
    }
  }

  /**
   * Where a connection is from
   */
  originOf (connection: DefaultConnectionScope | undefined): Origin {
    if (connection === undefined) {
      return originOf(undefined, this.#init.config)
    }

    connection.origin ??= originOf(connection.endpoint, this.#init.config)

    return connection.origin as Origin
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
    const before = this.#takeOut(member)

    if (member.inbound && !member.allowlisted) {
      const path = this.#pathOf(member)

      for (const shared of this.#kindOf(member).values()) {
        if (isIn(member, shared.scope)) {
          placesOf(member).push(shared.add(member, path, shared.rankOf(member)))
        }
      }
    }

    before.forEach(({ pool }) => { this.#forget(pool as SharedScope) })
  }

  left (member: MovableScope): void {
    this.#takeOut(member).forEach(({ pool }) => { this.#forget(pool as SharedScope) })
  }

  /**
   * Observes nothing any more
   */
  stop (): void {
    this.#all().forEach(shared => { this.#drop(shared) })
  }

  #find (scope: AggregateScope, connection: boolean, path: GroupPath, refusal: Refusal): FairMember<MovableScope> | undefined {
    const shared = this.#share(scope, connection)

    shared?.protect()

    const member = shared === undefined ? undefined : findIdle(shared, path)

    return member !== undefined && this.#helps(member.value, refusal) ? member : undefined
  }

  /**
   * Nobody gives way for nothing: it must be enough that this one does
   */
  #helps (victim: MovableScope, { attempted, current, limit, resource }: Refusal): boolean {
    // what is over its limit because limits are not enforced would never get below it
    if (!this.#graph.enforce) {
      return true
    }

    switch (resource) {
      case 'memory':
        return current + attempted - victim.memory <= limit
      case 'fd':
        return victim instanceof DefaultConnectionScope && victim.usefd && current < limit + 1
      default:
        return current < limit + 1
    }
  }

  /**
   * Whoever is over a limit of its own is refused, and nobody gives way for that
   */
  #fitsItsPeer (newcomer: MovableScope, scope: AggregateScope): boolean {
    const { peerScope } = newcomer

    if (peerScope === undefined || (scope.kind !== 'protocol' && scope.kind !== 'service')) {
      return true
    }

    const service = scope.kind === 'protocol' ? this.#init.serviceOf(scope.key) : undefined

    return newcomer.fitsInto(this.#graph.getPeerChild(peerScope, scope)) &&
      (service === undefined || newcomer.fitsInto(this.#graph.getPeerChild(peerScope, this.#graph.getService(service))))
  }

  #evict (member: FairMember<MovableScope>, path: GroupPath, refusal: Refusal, scope: AggregateScope): boolean {
    const { value: victim } = member
    const eviction = { victim, from: member.path, to: path, refusal, scope }

    if (!this.#graph.enforce) {
      this.#graph.gaveWay(eviction)
      return false
    }

    this.#evicting = true

    try {
      if (victim.holder?.evict(withoutStackTrace(() => new EvictedError(refusal)), path[0]) !== true || !victim.closed) {
        return false
      }
    } finally {
      this.#evicting = false
    }

    // of the same host too: who it is is not known before the handshake, and a peer could have its own
    // connections give way to new ones as fast as it can
    if (victim instanceof DefaultConnectionScope) {
      this.#recent.add(hostOf(eviction.from))
    }

    this.#graph.gaveWay(eviction)

    return true
  }

  /**
   * Finds out who holds what of a scope, if anybody does
   */
  #share (scope: AggregateScope, connection: boolean): SharedScope | undefined {
    const scopes = connection ? this.#connections : this.#streams
    const known = scopes.get(scope)

    if (known !== undefined || (connection ? scope.connsInbound : scope.streamsInbound) === 0) {
      return known
    }

    const shared = new SharedScope(scope, this.#scopeInit)

    for (const member of connection ? this.#init.connections() : this.#init.streams()) {
      if (member.inbound && !member.closed && isIn(member, scope)) {
        placesOf(member).push(shared.add(member, this.#pathOf(member), shared.rankOf(member)))
      }
    }

    scopes.set(scope, shared)
    this.#graph.placements = this

    return shared
  }

  /**
   * Follows a scope no more when half of what was held there is gone. It takes that many
   * to fill it again, so that finding out who holds what costs each of them about as much as
   * observing them would.
   */
  #forget (shared: SharedScope): void {
    if (2 * shared.size < shared.peak) {
      this.#drop(shared)
    }
  }

  #drop (shared: SharedScope): void {
    for (const member of shared.members) {
      const places = placesOf(member.value)

      places.splice(places.indexOf(member), 1)
    }

    this.#connections.get(shared.scope) === shared && this.#connections.delete(shared.scope)
    this.#streams.get(shared.scope) === shared && this.#streams.delete(shared.scope)

    if (this.observed === 0) {
      this.#graph.placements = undefined
    }
  }

  #takeOut (member: MovableScope): Array<FairMember<MovableScope>> {
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

  #pathOf (member: MovableScope): GroupPath {
    const { host, network, subnet } = this.originOf(connectionOf(member))

    // those whose peer is not known yet share a group at their host
    return [network, subnet, host, member.peerScope?.key ?? '']
  }
}

/**
 * When bytes were last seen is not observed, it is looked at when it matters
 */
function findIdle (shared: SharedScope, path: GroupPath): FairMember<MovableScope> | undefined {
  let idlest: FairMember<MovableScope> | undefined

  for (let looks = 0; looks < LOOKS; looks++) {
    const member = shared.find(path)

    if (member === undefined) {
      return
    }

    const rank = shared.rankOf(member.value)

    if (rank === member.rank) {
      return member
    }

    shared.rerank(member, rank)

    if (rank < (idlest?.rank ?? PROTECTED)) {
      idlest = member
    }
  }

  return idlest
}

function placesOf (member: MovableScope): Array<FairMember<MovableScope>> {
  member.places ??= []

  return member.places as Array<FairMember<MovableScope>>
}

function connectionOf (member: MovableScope): DefaultConnectionScope | undefined {
  return member instanceof DefaultStreamScope ? member.connection : member as DefaultConnectionScope
}

/**
 * Whether something is counted in a scope that is shared
 */
function isIn (member: MovableScope, scope: AggregateScope): boolean {
  const { pair, peerScope, servicePeer } = member

  if (scope === pair.system || scope === servicePeer?.group) {
    return true
  }

  if (member instanceof DefaultStreamScope) {
    return scope === (member.protocolPeer?.group ?? pair.transient)
  }

  return peerScope === undefined && scope === pair.transient
}

/**
 * Those whose address does not say where they are have no host of their own
 */
function hostOf ([network, subnet, host, peer]: readonly string[]): string {
  return host === '' ? `${network} ${subnet} ${peer}` : host
}
