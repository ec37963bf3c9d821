import { CODE_WEBRTC_DIRECT, multiaddr } from '@multiformats/multiaddr'
import { tryCall } from '../try-call.ts'
import { refuseTextInHandshakes } from './data-channels.ts'
import { ObservedListeners } from './observed-listeners.ts'
import type { Core } from '../../manager/core.ts'
import type { DefaultConnectionScope } from '../../scopes/connection-scope.ts'
import type { Evictable } from '../../scopes/evictable.ts'
import type { Transient, TransientHolders } from '../fairness/transient-holders.ts'
import type { Listener, Transport } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

const WEBRTC_DIRECT = '@libp2p/webrtc-direct'

/**
 * What is used of the listener of `@libp2p/webrtc` (6.0.33)
 */
interface DirectListener extends Listener {
  /** By address and port of the remote, and its name for the connection */
  readonly connections: Map<string, PeerConnection>

  /** Somebody has sent a packet that asks for a connection. Ends with the handshake. */
  incomingConnection(ufrag: string, host: string, port: number, signal: AbortSignal): Promise<void>
}

interface PeerConnection {
  close (): void
}

interface Handshake extends Evictable {
  /** The socket of the remote, which may have begun several */
  readonly remote: string
  readonly scope: DefaultConnectionScope
  transient?: Transient
}

/**
 * Handshakes of WebRTC Direct that listeners have begun. One packet, from an address that need
 * not be the sender's, makes a listener open a peer connection, which it keeps until the
 * handshake times out. They are counted as the connections that they want to be, and those
 * that do not fit are not begun.
 */
export class DirectHandshakes {
  readonly #manager: Core
  readonly #transient: TransientHolders
  readonly #open: (address: Multiaddr) => DefaultConnectionScope | undefined
  readonly #listeners = new ObservedListeners(listener => {
    if (isDirectListener(listener)) {
      this.#observeListener(listener)
    } else {
      this.#manager.warn(`this version of ${WEBRTC_DIRECT} is not known: its connections are not counted until their handshake is over`)
    }
  })

  readonly #handshakes = new Map<string, Handshake>()

  /**
   * @param manager
   * @param transient
   * @param open - opens the scope of an inbound connection, if it fits
   */
  constructor (manager: Core, transient: TransientHolders, open: (address: Multiaddr) => DefaultConnectionScope | undefined) {
    this.#manager = manager
    this.#transient = transient
    this.#open = open
  }

  /**
   * Observes the handshakes of all listeners for WebRTC Direct that a transport makes from now
   * on
   */
  observe (transport: Transport): void {
    if (transport[Symbol.toStringTag] === WEBRTC_DIRECT) {
      this.#listeners.of(transport)
    }
  }

  [Symbol.iterator] (): Iterator<{ readonly scope: DefaultConnectionScope }> {
    return this.#handshakes.values()
  }

  /**
   * The scope of a connection whose handshake was counted. The caller owns it from now on.
   */
  claim (address: Multiaddr): DefaultConnectionScope | undefined {
    if (!address.getComponents().some(({ code }) => code === CODE_WEBRTC_DIRECT)) {
      return
    }

    const remote = remoteOf(address)

    for (const [name, handshake] of this.#handshakes) {
      // those of one socket are interchangeable
      if (handshake.remote === remote) {
        this.#forget(name, handshake)

        return handshake.scope
      }
    }
  }

  #observeListener (listener: DirectListener): void {
    const { connections } = listener
    const set = connections.set.bind(connections)
    const incomingConnection = listener.incomingConnection.bind(listener)

    connections.set = (key, peerConnection) => {
      refuseTextInHandshakes(peerConnection)

      return set(key, peerConnection)
    }

    listener.incomingConnection = async (ufrag, host, port, signal) => {
      const name = `${host}:${port}:${ufrag}`

      // it may be asked again before there is an answer
      if (this.#handshakes.has(name) || connections.has(name)) {
        return
      }

      const address = multiaddr(`/ip${host.includes(':') ? 6 : 4}/${host}/udp/${port}/webrtc-direct`)
      const scope = this.#open(address)

      if (scope == null) {
        return
      }

      const eviction = new AbortController()
      const handshake: Handshake = {
        remote: remoteOf(address),
        scope,
        active: 0,
        evict: err => {
          eviction.abort(err)

          return true
        }
      }

      const end = AbortSignal.any([signal, eviction.signal])

      handshake.transient = this.#transient.addConnection(scope, address)
      scope.holder = handshake
      this.#handshakes.set(name, handshake)

      // with some of what a remote may send it waits for ever
      end.addEventListener('abort', () => {
        if (this.#handshakes.get(name) === handshake) {
          tryCall(connections.get(name), 'close')
        }

        this.#release(name, handshake)
      }, { once: true })

      try {
        await incomingConnection(ufrag, host, port, end)
      } finally {
        // unless it has become a connection
        this.#release(name, handshake)
      }
    }
  }

  /**
   * @returns Whether it was there
   */
  #forget (name: string, handshake: Handshake): boolean {
    if (this.#handshakes.get(name) !== handshake) {
      return false
    }

    this.#transient.delete(handshake)

    return this.#handshakes.delete(name)
  }

  #release (name: string, handshake: Handshake): void {
    if (this.#forget(name, handshake)) {
      handshake.scope.done()
    }
  }
}

function isDirectListener (listener: Listener): listener is DirectListener {
  const { connections, incomingConnection } = listener as Partial<DirectListener>

  return connections instanceof Map && typeof incomingConnection === 'function'
}

/**
 * The host and port of an address. Everything after them is known only by the end of the
 * handshake.
 */
function remoteOf (address: Multiaddr): string {
  return address.getComponents().slice(0, 2).map(({ name, value }) => `/${name}/${value}`).join('')
}
