import { DefaultConnectionScope } from '../../scopes/connection-scope.ts'
import { setBackgroundTimer } from '../../util/timers.ts'
import type { Core } from '../../manager/core.ts'
import type { AggregateScope } from '../../scopes/aggregate-scope.ts'
import type { OwnedScope } from '../../scopes/owned-scope.ts'
import type { Refusal } from '../../scopes/refusal.ts'
import type { RoomMaker } from '../../scopes/room-maker.ts'
import type { LiveConnection } from '../buffers/live-connection.ts'
import type { Connection, Libp2pEvents, MultiaddrConnection, PeerId, TypedEventTarget } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'

/**
 * In ms: libp2p's own timeout of a dial. Connections that are older were not dialled at the
 * same time.
 */
const MAX_AGE = 10_000

export interface DialTiesComponents {
  connectionManager: Pick<ConnectionManager, 'getConnections'>
  events: TypedEventTarget<Libp2pEvents>
  peerId: PeerId
}

/**
 * Two nodes that dial each other at the same time have two connections for a moment. Where a
 * peer may have only one, each node would refuse the other one's dial, and both connections
 * would be gone. So both keep the same one, without asking each other: the one that the node
 * with the smaller peer id has dialled. The dial of the other node resolves with it.
 */
export class DialTies implements RoomMaker {
  readonly #manager: Core
  readonly #components: DialTiesComponents
  readonly #connections: Iterable<LiveConnection>

  /**
   * Own dials that have lost, with their peers
   */
  readonly #lost = new WeakMap<MultiaddrConnection, PeerId>()

  /**
   * @param manager
   * @param components
   * @param connections - all that are accounted for
   */
  constructor (manager: Core, components: DialTiesComponents, connections: Iterable<LiveConnection>) {
    this.#manager = manager
    this.#components = components
    this.#connections = connections
  }

  /**
   * The connection that the node with the smaller id has dialled takes the place of the
   * other one
   */
  makeRoom (refusal: Refusal, newcomer: AggregateScope | OwnedScope): boolean {
    if (refusal.fullScope?.kind !== 'peer' || !(newcomer instanceof DefaultConnectionScope) || !this.#manager.enforces) {
      return false
    }

    const peer = (refusal.fullScope as AggregateScope).peer
    const other = this.#dialledAtTheSameTime(peer, newcomer.inbound)

    if (other == null || !this.#wins(peer, newcomer.inbound)) {
      return false
    }

    if (!other.scope.inbound) {
      this.#lost.set(other.connection, peer)
    }

    other.abort(this.#manager.errorOf(refusal))

    return true
  }

  /**
   * A connection was refused when its peer was known
   */
  refused (maConn: MultiaddrConnection, peer: PeerId, inbound: boolean): void {
    if (!inbound && this.#dialledAtTheSameTime(peer, inbound) != null) {
      this.#lost.set(maConn, peer)
    }
  }

  /**
   * The connection that one of our dials has lost to, once it is open, or `undefined` if there
   * is none
   */
  async winnerOf (maConn: MultiaddrConnection): Promise<Connection | undefined> {
    const peer = this.#lost.get(maConn)
    const winner = peer && this.#dialledAtTheSameTime(peer, false)

    if (peer == null || winner == null) {
      return
    }

    const { connectionManager, events } = this.#components
    const find = (): Connection | undefined => connectionManager.getConnections(peer).find(({ direction, status }) => direction === 'inbound' && status === 'open')
    const { promise, resolve } = Promise.withResolvers<Connection | undefined>()
    const onOpen = (): void => {
      const found = find()

      if (found != null) {
        resolve(found)
      }
    }
    const onEnd = (): void => { resolve(undefined) }
    const timer = setBackgroundTimer(onEnd, MAX_AGE)

    events.addEventListener('connection:open', onOpen)
    winner.connection.addEventListener('close', onEnd)
    onOpen()

    try {
      return await promise
    } finally {
      clearTimeout(timer)
      events.removeEventListener('connection:open', onOpen)
      winner.connection.removeEventListener('close', onEnd)
    }
  }

  #wins (peer: PeerId, inbound: boolean): boolean {
    const remoteIsSmaller = peer.toString() < this.#components.peerId.toString()

    return inbound === remoteIsSmaller
  }

  #dialledAtTheSameTime (peer: PeerId, inbound: boolean): LiveConnection | undefined {
    const key = peer.toString()
    const now = Date.now()

    for (const live of this.#connections) {
      const { connection: { timeline }, scope } = live

      if (scope.peerScope?.key === key && scope.inbound !== inbound && !scope.closed && now - timeline.open < MAX_AGE) {
        return live
      }
    }
  }
}
