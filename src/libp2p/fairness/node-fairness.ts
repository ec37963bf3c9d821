/**
 * Fairness on a node: the budget, shares and timeouts of handshakes and negotiations, and who gives
 * way.
 *
 * In: where connections and streams are while a scope is full, and what is known of their peers.
 * Out: the end of whoever gives way, so that a newcomer fits.
 * Fails: nobody holds more than the newcomer: it is refused.
 * Costs: nothing until a scope is full, except one place in a list for whatever is transient.
 */

import { PROTECTED } from '../../fairness/fair-pool.ts'
import { FairShares } from '../../fairness/fair-shares.ts'
import { resolveFairness } from '../../fairness/fairness-init.ts'
import { originOf } from '../../fairness/origin.ts'
import { DefaultConnectionScope } from '../../scopes/connection-scope.ts'
import { connectionOf } from '../../scopes/stream-scope.ts'
import { startClock, nextActivity } from '../../util/clock.ts'
import { Handshakes } from './handshakes.ts'
import { PeerWorth } from './peer-worth.ts'
import { TransientTimeouts } from './transient-timeouts.ts'
import type { TransientHolders } from './transient-holders.ts'
import type { FairnessConfig, FairnessInit } from '../../fairness/fairness-init.ts'
import type { Core } from '../../manager/core.ts'
import type { Newcomer } from '../../manager/opening.ts'
import type { AggregateScope } from '../../scopes/aggregate-scope.ts'
import type { MovableScope } from '../../scopes/movable-scope.ts'
import type { OwnedScope } from '../../scopes/owned-scope.ts'
import type { Refusal } from '../../scopes/refusal.ts'
import type { RoomMaker } from '../../scopes/room-maker.ts'
import type { NameTable } from '../../util/name-table.ts'
import type { LiveConnection } from '../buffers/live-connection.ts'
import type { LiveStream } from '../buffers/live-stream.ts'
import type { Libp2pEvents, PeerId, PeerStore, TypedEventTarget } from '@libp2p/interface'

export interface NodeFairnessInit {
  manager: Core
  events: TypedEventTarget<Libp2pEvents>
  peerStore: Pick<PeerStore, 'get'>

  /** All that are accounted for */
  connections: Iterable<{ readonly scope: DefaultConnectionScope }>
  streams: Iterable<LiveStream>

  /** By protocol */
  services: NameTable<string>

  /** What is transient, and what ends that when it takes too long */
  transient: TransientHolders
  upgrader: object
}

/**
 * Shares the scopes of a node fairly when they are full: tells who is there, and what their
 * peers are worth
 */
export class NodeFairness implements RoomMaker {
  readonly shares: FairShares
  readonly timeouts: TransientTimeouts

  /** Where they have a budget */
  readonly handshakes?: Handshakes
  readonly #config: FairnessConfig
  readonly #init: NodeFairnessInit
  readonly #worth: PeerWorth
  readonly #now = startClock()

  /**
   * @throws {InvalidParametersError} naming the option that cannot be used
   */
  constructor (init: NodeFairnessInit, options?: FairnessInit) {
    const { connections, events, manager, peerStore, services, streams, transient, upgrader } = init

    this.#init = init
    this.#config = resolveFairness(options)
    this.#worth = new PeerWorth(events, peerStore, peer => { this.shares.worthChanged(peer) })
    this.handshakes = this.#config.handshakes === undefined ? undefined : new Handshakes(this.#config, this.#config.handshakes, this.#now)
    this.timeouts = new TransientTimeouts(manager, transient, upgrader)
    this.shares = new FairShares({
      graph: manager.graph,
      config: this.#config,
      connections: () => scopesOf(connections),
      streams: () => scopesOf(streams),
      worth: scope => this.#worthOf(scope),
      serviceOf: protocol => services.get(protocol),
      now: this.#now
    })
  }

  start (): void {
    this.#worth.start()
    this.timeouts.start()
    this.#roomMakers.push(this)
  }

  stop (): void {
    const at = this.#roomMakers.indexOf(this)

    if (at !== -1) {
      this.#roomMakers.splice(at, 1)
    }

    this.#worth.stop()
    this.timeouts.stop()
    this.handshakes?.stop()
    this.shares.stop()
  }

  makeRoom (refusal: Refusal, newcomer: AggregateScope | OwnedScope): boolean {
    const made = this.shares.makeRoom(refusal, newcomer)

    // it matters from now on
    if (this.shares.observed > 0) {
      this.#worth.refresh(this.#now(), this.#peers)
    }

    return made
  }

  /**
   * What would give way to something that does not fit, if anything would
   */
  findVictim (refusal: Refusal, { address, connection, peer, request }: Newcomer): MovableScope | undefined {
    const origin = request === 'connection'
      ? originOf(address, this.#config)
      : this.shares.originOf(connection instanceof DefaultConnectionScope ? connection : undefined)

    return this.shares.findVictim(refusal, request, origin, request === 'connection' ? undefined : peer?.toString())
  }

  /**
   * A connection has carried a stream of a service
   */
  served (connection: DefaultConnectionScope, service: string): void {
    const holder = connection.holder as LiveConnection | undefined

    // one that has ended has none, and its streams may not have ended yet
    if (holder !== undefined && this.#config.useful.has(service)) {
      holder.useful = nextActivity()
    }
  }

  get #roomMakers (): RoomMaker[] {
    return this.#init.manager.graph.roomMakers
  }

  #worthOf (scope: MovableScope): number {
    const connection = connectionOf(scope)
    const { manager } = this.#init
    const { peerScope } = scope

    if (peerScope === undefined) {
      return manager.trust.isAllowlisted(connection?.endpoint) ? PROTECTED : 0
    }

    return connection !== undefined && manager.trust.isTrusted(peerScope.peer, connection) ? PROTECTED : this.#worth.of(peerScope.key)
  }

  /**
   * Those that have connected
   */
  readonly #peers = (): PeerId[] => {
    const peers = new Set<PeerId>()

    for (const { scope } of this.#init.connections) {
      if (scope.inbound && scope.peerScope !== undefined) {
        peers.add(scope.peerScope.peer)
      }
    }

    return [...peers]
  }
}

function * scopesOf <T> (holders: Iterable<{ readonly scope: T }>): Generator<T> {
  for (const { scope } of holders) {
    yield scope
  }
}
