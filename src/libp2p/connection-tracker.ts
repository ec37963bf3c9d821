import { attachConnectionScope } from '../scopes/attached-scopes.ts'
import { ConnectionNode } from '../scopes/connection-node.ts'
import { usesFileDescriptor } from './uses-file-descriptor.ts'
import type { DefaultResourceManager } from '../resource-manager.ts'
import type { MultiaddrConnection, PeerId } from '@libp2p/interface'

/**
 * Follows the raw connections of a node, from the moment they exist until they
 * are closed, whatever the reason
 */
export class ConnectionTracker {
  readonly #manager: DefaultResourceManager
  readonly #scopes = new WeakMap<MultiaddrConnection, ConnectionNode>()

  /**
   * Those whose upgrade has not ended. A gater that takes its time may answer
   * after that, when nobody would release what is reserved then.
   */
  readonly #upgrading = new WeakSet<MultiaddrConnection>()

  constructor (manager: DefaultResourceManager) {
    this.#manager = manager
  }

  /**
   * Runs the upgrade of a connection and releases what the connection holds if it
   * fails
   */
  async upgrade<T> (maConn: MultiaddrConnection, upgrade: () => Promise<T>): Promise<T> {
    this.#upgrading.add(maConn)

    try {
      return await upgrade()
    } catch (err) {
      this.#scopes.get(maConn)?.done()
      throw err
    } finally {
      this.#upgrading.delete(maConn)
    }
  }

  /**
   * Accounts for a connection whose scope is open already
   */
  adopt (maConn: MultiaddrConnection, scope: ConnectionNode): void {
    this.#scopes.set(maConn, scope)
    attachConnectionScope(maConn, scope)
    maConn.addEventListener('close', () => { scope.done() })
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

    const scope = this.#manager.tryOpenConnection('inbound', usesFileDescriptor(maConn.remoteAddr), maConn.remoteAddr)

    if (!(scope instanceof ConnectionNode)) {
      return false
    }

    this.adopt(maConn, scope)

    return true
  }

  /**
   * Moves a connection to its peer
   *
   * @returns Whether it may go on
   */
  admitPeer (maConn: MultiaddrConnection, peer: PeerId): boolean {
    const scope = this.#scopes.get(maConn)

    // it may have been closed while another gater was thinking
    if (scope == null || scope.closed) {
      return false
    }

    return scope.trySetPeer(peer) == null
  }
}
