/**
 * Sockets, dials and connections, from before there is one until it is closed.
 *
 * In: sockets and raw connections from the upgrader, the gater and the listeners.
 * Out: a connection scope for each, which moves from transient to its peer when the handshake has
 * proved that.
 * Fails: a refusal, a gater of the user that denies, or an upgrade that fails: the scope is closed
 * and the socket is ended.
 * Costs: one scope and one `LiveConnection` for each connection.
 */

import { ConnectionClosedError } from '@libp2p/interface'
import { attachToConnection } from '../../scopes/attached-scopes.ts'
import { DefaultConnectionScope } from '../../scopes/connection-scope.ts'
import { liveConnection, LiveConnection } from '../buffers/live-connection.ts'
import { observeConnectionClass } from '../streams/observed-classes.ts'
import { tryCall } from '../try-call.ts'
import { AcceptedSockets } from './accepted-sockets.ts'
import { ClosingSockets } from './closing-sockets.ts'
import { DirectHandshakes } from './direct-handshakes.ts'
import { endOnError, endSocket } from './raw-socket.ts'
import { usesFileDescriptor } from './uses-file-descriptor.ts'
import type { DialTies } from './dial-ties.ts'
import type { NodePeerTags } from './peer-tags.ts'
import type { Core } from '../../manager/core.ts'
import type { Refusal } from '../../scopes/refusal.ts'
import type { LiveConnectionOwner } from '../buffers/live-connection.ts'
import type { StreamMemory } from '../buffers/stream-memory.ts'
import type { Handshakes } from '../fairness/handshakes.ts'
import type { TransientHolders } from '../fairness/transient-holders.ts'
import type { Sessions } from '../sessions/node-sessions.ts'
import type { MultiaddrConnection, PeerId, Transport } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Observes the raw connections of a node, from the moment they exist until they are closed, for
 * whatever reason
 */
export class ConnectionTracker implements LiveConnectionOwner {
  readonly #manager: Core
  readonly #memory: StreamMemory
  readonly #transient: TransientHolders
  readonly #ties?: DialTies
  readonly #closing = new ClosingSockets()

  /**
   * Those that may become connections
   */
  readonly #accepted: AcceptedSockets
  readonly #directHandshakes: DirectHandshakes

  /**
   * Set where handshakes have a budget
   */
  handshakes?: Pick<Handshakes, 'begin'>

  /**
   * Set where some services have a collector
   */
  sessions?: Pick<Sessions, 'connected'>

  /**
   * Set where peers may be trusted because of their tags
   */
  peerTags?: Pick<NodePeerTags, 'read' | 'used'>

  /**
   * Connections whose upgrade has not ended. A slow gater may answer after that, when nobody
   * would release what is reserved then.
   */
  readonly #upgrading = new WeakSet<MultiaddrConnection>()

  /**
   * Why outbound connections were refused when their peer was known
   */
  readonly #refusals = new WeakMap<MultiaddrConnection, Refusal>()

  /**
   * @param manager
   * @param memory - where their buffers are accounted for
   * @param transient - where connections are until their peer is known
   * @param ties - what becomes of connections that both ends have dialled
   */
  constructor (manager: Core, memory: StreamMemory, transient: TransientHolders, ties?: DialTies) {
    this.#manager = manager
    this.#memory = memory
    this.#transient = transient
    this.#accepted = new AcceptedSockets(manager, transient, address => this.#openInbound(address))
    this.#directHandshakes = new DirectHandshakes(manager, transient, address => this.#openInbound(address))
    this.#ties = ties
  }

  /**
   * All connections that have a scope, including sockets that are not connections yet
   */
  * [Symbol.iterator] (): Generator<{ readonly scope: DefaultConnectionScope }> {
    yield * this.#memory.connections
    yield * this.#accepted
    yield * this.#directHandshakes
  }

  /**
   * Observes the sockets that the listeners of a transport accept, before there is a connection
   */
  observe (transport: Transport): void {
    this.#accepted.observe(transport)
    this.#directHandshakes.observe(transport)
  }

  /**
   * Runs the upgrade of a connection and releases what the connection holds if it
   * fails
   */
  async upgrade<T> (maConn: MultiaddrConnection, upgrade: () => Promise<T>): Promise<T> {
    // first of all: a refused remote can break the protocol as well
    endOnError(maConn)
    this.#upgrading.add(maConn)

    try {
      return await upgrade()
    } catch (err) {
      const refusal = this.#refusals.get(maConn)
      const live = liveConnection(maConn)

      if (live != null) {
        this.end(live)
      }

      this.#abort(maConn, err)

      const winner = await this.#ties?.winnerOf(maConn)

      if (winner != null) {
        return winner as T
      }

      // libp2p only knows that a gater has denied the connection
      throw refusal == null ? err : this.#manager.errorOf(refusal)
    } finally {
      this.#upgrading.delete(maConn)
    }
  }

  /**
   * The node stops. It closes the connections that it knows. It does not know those that are
   * still being upgraded: they would stay open.
   */
  stop (): void {
    this.#accepted.stop()

    for (const { connection } of [...this.#memory.connections]) {
      if (this.#upgrading.has(connection)) {
        tryCall(connection, 'abort', new ConnectionClosedError('the node stops'))
      }
    }
  }

  /**
   * Accounts for a connection whose scope is open already. The scope is closed if that
   * fails.
   */
  adopt (maConn: MultiaddrConnection, scope: DefaultConnectionScope): void {
    try {
      this.#observe(maConn, scope)
    } catch (err) {
      scope.done()
      throw err
    }
  }

  /**
   * Objects of others may be frozen, or not made by libp2p. So the steps that can fail come
   * first.
   */
  #observe (maConn: MultiaddrConnection, scope: DefaultConnectionScope): void {
    const live = new LiveConnection(scope, maConn, this)

    observeConnectionClass(maConn)

    // only subclasses of libp2p's own class report their end by a method
    if (!('onTransportClosed' in maConn)) {
      maConn.addEventListener('close', live)
    }

    attachToConnection(maConn, live)
    live.transient = this.#transient.addConnection(scope, maConn.remoteAddr)
    this.#memory.addConnection(live)
  }

  /**
   * Accounts for an inbound connection
   *
   * @returns Whether it may go on
   */
  admitInbound (maConn: MultiaddrConnection): boolean {
    if (!this.#upgrading.has(maConn) || maConn.status !== 'open') {
      return false
    }

    const scope = this.#accepted.claim(maConn.remoteAddr) ?? this.#directHandshakes.claim(maConn.remoteAddr) ?? this.#openInbound(maConn.remoteAddr)

    if (scope == null) {
      return false
    }

    this.adopt(maConn, scope)

    return true
  }

  /**
   * The user's gater has denied an inbound connection: that costs its address nothing
   */
  forget (maConn: MultiaddrConnection): void {
    const live = liveConnection(maConn)

    if (live != null) {
      this.#manager.forgetConnection(live.scope)
      this.end(live)
    }
  }

  /**
   * Whether a connection is accounted for
   */
  tracks (maConn: MultiaddrConnection): boolean {
    return liveConnection(maConn)?.scope.closed === false
  }

  /**
   * Moves a connection to its peer
   *
   * @returns Whether it may go on
   */
  admitPeer (maConn: MultiaddrConnection, peer: PeerId): boolean {
    const live = liveConnection(maConn)

    // it may have been closed while the user's gater was thinking
    if (live == null || live.scope.closed) {
      return false
    }

    const { scope } = live
    const refusal = this.#manager.refusePeer(scope, peer) ?? scope.trySetPeer(peer)

    if (refusal != null) {
      // nobody gets the error of an inbound connection, so there is none
      if (!scope.inbound) {
        this.#refusals.set(maConn, refusal)
      }

      this.#ties?.refused(maConn, peer, scope.inbound)

      return false
    }

    this.#transient.delete(live)
    this.sessions?.connected(scope, maConn, peer)

    return true
  }

  /**
   * Ends a connection whose upgrade has failed. The listener of `@libp2p/websockets` (10.1.21)
   * closes it, waits for the remote to read, and does not catch the error if the remote closes
   * it instead: that would end the process. Its dialer forgets the connection.
   */
  #abort (maConn: MultiaddrConnection, err: any): void {
    tryCall(maConn, 'abort', err)
    endSocket(maConn)
  }

  #openInbound (address: Multiaddr): DefaultConnectionScope | undefined {
    // a proxy has the address, and many others use it
    const endpoint = this.#manager.trust.isProxy(address) ? undefined : address

    const scope = this.#manager.acceptConnection(usesFileDescriptor(address), endpoint)

    if (scope instanceof DefaultConnectionScope) {
      this.handshakes?.begin(endpoint)

      return scope
    }
  }

  // LiveConnectionOwner

  closed (live: LiveConnection, gracefully: boolean): void {
    this.end(live)
    this.#closing.add(live.connection, gracefully)
  }

  end (live: LiveConnection): void {
    this.#memory.deleteConnection(live)
    this.#transient.delete(live)
    live.scope.done()
  }
}
