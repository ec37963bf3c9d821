/**
 * Who gives way in a full scope, so that nobody is locked out by those who came first.
 *
 * In: the refusal of a scope that is full, and who asked for a place there.
 * Out: whether somebody else has given way: one of the group that holds most.
 * Fails: nothing throws. Where nobody holds more than the newcomer, the refusal stands.
 * Costs: nothing until a scope is full. From then on O(log n) for whatever comes or goes there, until
 * half of it is gone.
 */

import { EvictedError } from '../errors.ts'
import { DefaultConnectionScope } from '../scopes/connection-scope.ts'
import { MovableScope } from '../scopes/movable-scope.ts'
import { DefaultStreamScope, connectionOf } from '../scopes/stream-scope.ts'
import { keyedHash, secretKey } from '../util/keyed-hash.ts'
import { withoutStackTrace } from '../util/without-stack-trace.ts'
import { FullScopes } from './full-scopes.ts'
import { NOWHERE, originOf } from './origin.ts'
import { PenalisedHosts } from './penalised-hosts.ts'
import type { FairMember, GroupPath } from './fair-pool.ts'
import type { FairnessConfig } from './fairness-init.ts'
import type { Origin } from './origin.ts'
import type { SharedScopeInit } from './shared-scope.ts'
import type { AggregateScope } from '../scopes/aggregate-scope.ts'
import type { FairGroups, HeldElsewhere } from '../scopes/fair-groups.ts'
import type { OwnedScope } from '../scopes/owned-scope.ts'
import type { Refusal } from '../scopes/refusal.ts'
import type { RoomMaker } from '../scopes/room-maker.ts'
import type { ScopeGraph } from '../scopes/scope-graph.ts'
import type { ScopeKind } from '../scopes/scope-kind.ts'

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
   * The service that the streams of a protocol will join, if any
   */
  serviceOf(protocol: string): string | undefined

  /** In ms, and never goes back */
  now(): number

  /** 8 bytes. Tests need to know it. */
  key?: Uint8Array
}

/**
 * Shares full scopes fairly. As long as there is room, nobody gives way. When something does
 * not fit into a shared scope, whoever holds most of it gives way, if that is enough.
 */
export class FairShares implements RoomMaker, FairGroups {
  readonly #init: FairSharesInit
  readonly #graph: ScopeGraph
  readonly #full: FullScopes
  readonly #penalised: PenalisedHosts
  #evicting = false

  // FairGroups
  elsewhere?: HeldElsewhere | undefined
  full = false

  constructor (init: FairSharesInit) {
    const { config, connections, graph, key, now, streams, worth } = init

    this.#init = init
    this.#graph = graph
    graph.groups = this
    this.#penalised = new PenalisedHosts(now)
    this.#full = new FullScopes({
      graph,
      connections,
      streams,
      pathOf: member => this.#pathOf(member),
      protect: config.protect,
      worth,
      hash: keyedHash(key ?? secretKey()),
      now
    })
  }

  /**
   * How many scopes are observed
   */
  get observed (): number {
    return this.#full.observed
  }

  // RoomMaker

  makeRoom (refusal: Refusal, newcomer: AggregateScope | OwnedScope): boolean {
    // what ends may make others come, and they come too early
    if (this.#evicting || !(newcomer instanceof MovableScope) || !newcomer.inbound) {
      return false
    }

    const scope = refusal.fullScope as AggregateScope | undefined

    if (scope === undefined || !SHARED.has(scope.kind) || !this.#fitsItsPeer(newcomer, scope)) {
      return false
    }

    const connection = newcomer instanceof DefaultConnectionScope

    // who it is for need not be known where nobody is
    if (!this.#full.isHeld(scope, connection)) {
      return false
    }

    const path = this.#pathOf(newcomer)

    if (connection && this.#penalised.has(hostOf(path))) {
      return false
    }

    // not in `#find`: who only asks wants nothing of it
    this.full ||= scope.kind === 'system'

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
    const scope = refusal.fullScope as AggregateScope | undefined
    const path: GroupPath = [origin.network, origin.subnet, origin.host, peer]
    const connection = request === 'connection'

    if (scope !== undefined && SHARED.has(scope.kind) && !(connection && this.#penalised.has(hostOf(path)))) {
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

  networkOf (connection: DefaultConnectionScope): string | undefined {
    const { network } = this.originOf(connection)

    return network === NOWHERE.network ? undefined : network
  }

  /**
   * What a peer is worth has changed
   */
  worthChanged (peer: string): void {
    this.#full.worthChanged(peer)
  }

  /**
   * Observes nothing any more
   */
  stop (): void {
    this.#full.clear()
  }

  #find (scope: AggregateScope, connection: boolean, path: GroupPath, refusal: Refusal): FairMember<MovableScope> | undefined {
    const shared = this.#full.share(scope, connection)

    shared?.protect()

    // only for systems is it known what is held on other nodes
    if (scope.kind === 'system') {
      shared?.see(this.elsewhere, connection ? 'connections' : 'streams')
    }

    const member = shared?.findIdle(path)

    return member !== undefined && this.#helps(member.value, refusal) ? member : undefined
  }

  /**
   * Nobody gives way in vain: the newcomer must fit then
   */
  #helps (victim: MovableScope, { attempted, current, limit, resource }: Refusal): boolean {
    // a scope above its limit, because limits are not enforced, would never get below it
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
   * A newcomer above one of its own limits is refused, and nobody gives way for it
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

    // also for the same host: its peer is not known before the handshake, and a peer could make
    // its own connections give way to new ones as fast as it can
    if (victim instanceof DefaultConnectionScope) {
      this.#penalised.add(hostOf(eviction.from))
    }

    this.#graph.gaveWay(eviction)

    return true
  }

  #pathOf (member: MovableScope): GroupPath {
    const { host, network, subnet } = this.originOf(connectionOf(member))

    // those whose peer is not known yet share a group at their host
    return [network, subnet, host, member.peerScope?.key ?? '']
  }
}

/**
 * A remote whose address does not say where it is has no host of its own
 */
function hostOf ([network, subnet, host, peer]: readonly string[]): string {
  return host === '' ? `${network} ${subnet} ${peer}` : host
}
