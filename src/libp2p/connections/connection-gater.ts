import type { ConnectionTracker } from './connection-tracker.ts'
import type { Core } from '../../manager/core.ts'
import type { ConnectionGater, MultiaddrConnection, PeerId } from '@libp2p/interface'

/**
 * Puts a gater in front of the user's one that accounts for connections.
 *
 * An inbound connection is counted before the user's gater is asked, because it is open while
 * the gater thinks, and there may be any number of these. A connection that the gater denies
 * costs nothing afterwards. It may be a class with private fields, so its methods only ever see
 * itself as `this`.
 */
export function accountingGater (gater: ConnectionGater, tracker: ConnectionTracker, manager: Core): ConnectionGater {
  const admit = (what: string, decide: () => boolean): boolean => {
    try {
      return decide()
    } catch (err) {
      // only code of the user can throw, such as a limiter
      manager.warn(`refused ${what} because of an error - ${err}`)

      return false
    }
  }

  const denyEncrypted = (method: 'denyInboundEncryptedConnection' | 'denyOutboundEncryptedConnection') => async (peer: PeerId, maConn: MultiaddrConnection): Promise<boolean> => {
    if (await gater[method]?.(peer, maConn) === true) {
      return true
    }

    if (tracker.peerTags?.used === true) {
      await tracker.peerTags.read(peer)
    }

    return !admit('a connection of a peer', () => tracker.admitPeer(maConn, peer))
  }

  const methods: ConnectionGater = {
    async denyInboundConnection (maConn) {
      if (!admit('an inbound connection', () => tracker.admitInbound(maConn))) {
        return true
      }

      let denied = true

      try {
        denied = await gater.denyInboundConnection?.(maConn) === true
      } finally {
        if (denied) {
          tracker.forget(maConn)
        }
      }

      // it may have been closed while the gater was thinking
      return !tracker.tracks(maConn)
    },
    denyInboundEncryptedConnection: denyEncrypted('denyInboundEncryptedConnection'),
    denyOutboundEncryptedConnection: denyEncrypted('denyOutboundEncryptedConnection')
  }

  return inFrontOf(gater, methods)
}

/**
 * A gater with some of our methods, and all others of the user's gater
 */
function inFrontOf (gater: ConnectionGater, methods: ConnectionGater): ConnectionGater {
  // not a proxy of the gater itself: it may be frozen, which proxies respect
  return new Proxy<ConnectionGater>({}, {
    get (_, property) {
      if (Object.hasOwn(methods, property)) {
        return methods[property as keyof ConnectionGater]
      }

      const value = Reflect.get(gater, property, gater)

      return typeof value === 'function' ? value.bind(gater) : value
    },
    has (_, property) {
      return Object.hasOwn(methods, property) || property in gater
    }
  })
}
