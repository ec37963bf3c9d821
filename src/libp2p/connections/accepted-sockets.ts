import { ipPortToMultiaddr } from '@libp2p/utils'
import { setBackgroundTimer } from '../../util/timers.ts'
import { ObservedListeners } from './observed-listeners.ts'
import type { Core } from '../../manager/core.ts'
import type { DefaultConnectionScope } from '../../scopes/connection-scope.ts'
import type { Evictable } from '../../scopes/evictable.ts'
import type { Transient, TransientHolders } from '../fairness/transient-holders.ts'
import type { Listener, Transport } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { IncomingMessage } from 'node:http'
import type { Server, Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/**
 * How long a socket has to become a WebSocket, in ms: as long as libp2p then gives it for the
 * handshake
 */
const UPGRADE_TIMEOUT = 10_000

const WEBSOCKETS = '@libp2p/websockets'

/**
 * The longest message, in bytes, and the most pieces of one, as they come from the network and
 * from the remote. libp2p lets no buffer have more, so nothing longer could be read.
 * Implementations of libp2p send about 64 KiB; `ws` would keep 100 MiB.
 */
const MAX_MESSAGE = { maxPayload: 4 * 2 ** 20, maxBufferedChunks: 2 ** 14, maxFragments: 2 ** 12 }

/**
 * What is used of the listener of `@libp2p/websockets` (10.1.21)
 */
interface WebSocketListener extends Listener {
  readonly server: Pick<Server, 'prependListener'>
  readonly wsServer?: { readonly options?: Record<string, unknown> }

  /** Answers the request that makes a socket a WebSocket, in the same step */
  onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
}

interface AcceptedSocket extends Evictable {
  readonly key: string
  readonly socket: Socket
  scope: DefaultConnectionScope

  /** Of the socket, which is that of a proxy where there is one */
  readonly address: Multiaddr
  readonly until: number
  transient?: Transient
}

/**
 * Sockets that a listener for WebSockets has accepted, and that have not sent the request that
 * makes them a connection of libp2p. Each has a descriptor, and could stay for ever. So they
 * are counted as the connections that they want to be. Those that do not fit are closed, and so
 * are those that take too long.
 *
 * Listeners for TCP pass on a socket as soon as they have accepted it.
 */
export class AcceptedSockets {
  readonly #manager: Core
  readonly #transient: TransientHolders
  readonly #open: (address: Multiaddr) => DefaultConnectionScope | undefined
  readonly #listeners = new ObservedListeners((listener, transport) => {
    if (isWebSocketListener(listener)) {
      this.#observeListener(listener)
    } else if (transport[Symbol.toStringTag] === WEBSOCKETS) {
      this.#manager.warn(`this version of ${WEBSOCKETS} is not known: sockets that have not sent a request are not counted`)
    }
  })

  /**
   * By their addresses, the oldest first
   */
  readonly #sockets = new Map<string, AcceptedSocket>()

  /**
   * The one whose request is being answered
   */
  #answered?: AcceptedSocket
  #timer?: ReturnType<typeof setTimeout>

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
   * Observes the sockets of all listeners for WebSockets that a transport makes from now on
   */
  observe (transport: Transport): void {
    this.#listeners.of(transport)
  }

  [Symbol.iterator] (): Iterator<{ readonly scope: DefaultConnectionScope }> {
    return this.#sockets.values()
  }

  /**
   * The scope of a connection, if it comes from the request that is being answered. The caller
   * owns it from now on.
   */
  claim (address: Multiaddr): DefaultConnectionScope | undefined {
    const accepted = this.#answered

    if (accepted == null || accepted.address.toString() !== address.toString()) {
      return
    }

    this.#answered = undefined
    this.#forget(accepted)

    return accepted.scope
  }

  /**
   * The node stops. Its listeners stop only when they have no sockets any more.
   */
  stop (): void {
    for (const { socket } of this.#sockets.values()) {
      socket.destroy()
    }
  }

  #observeListener (listener: WebSocketListener): void {
    const onUpgrade = listener.onUpgrade.bind(listener)

    if (this.#manager.enforces) {
      limitMessages(listener)
    }

    // before the listener's own
    listener.server.prependListener('connection', socket => { this.#accept(socket) })
    listener.onUpgrade = (request, socket, head) => {
      const accepted = this.#sockets.get(keyOf(socket as Socket))

      if (accepted != null && !this.#identify(accepted, request)) {
        socket.destroy()
        return
      }

      this.#answered = accepted

      try {
        onUpgrade(request, socket, head)
      } finally {
        this.#answered = undefined

        // unless somebody has claimed it, it was refused or is counted by somebody else
        if (accepted != null) {
          this.#release(accepted)
        }
      }
    }
  }

  /**
   * A proxy says whom it forwards: from now on, the socket counts as theirs
   *
   * @returns Whether it fits
   */
  #identify (accepted: AcceptedSocket, { headers: { 'x-forwarded-for': header } }: IncomingMessage): boolean {
    const host = typeof header === 'string' && this.#manager.trust.isProxy(accepted.address) ? this.#manager.trust.forwardedFor(header) : undefined

    if (host == null) {
      return true
    }

    this.#release(accepted)

    const scope = this.#open(ipPortToMultiaddr(host, accepted.socket.remotePort ?? 0).encapsulate('/ws'))

    if (scope != null) {
      accepted.scope = scope
      this.#add(accepted)
    }

    return scope != null
  }

  #accept (socket: Socket): void {
    const address = addressOf(socket)
    const scope = address == null ? undefined : this.#open(address)

    if (address == null || scope == null) {
      socket.resetAndDestroy()
      return
    }

    const accepted: AcceptedSocket = {
      key: keyOf(socket),
      socket,
      scope,
      address,
      until: performance.now() + UPGRADE_TIMEOUT,
      active: 0,
      evict: () => {
        this.#release(accepted)
        socket.resetAndDestroy()

        return true
      }
    }

    this.#add(accepted)
    socket.once('close', () => { this.#release(accepted) })
    this.#start()
  }

  #add (accepted: AcceptedSocket): void {
    const { address, key, scope } = accepted

    accepted.transient = this.#transient.addConnection(scope, address)
    scope.holder = accepted
    this.#sockets.set(key, accepted)
  }

  /**
   * @returns Whether it was there
   */
  #forget (accepted: AcceptedSocket): boolean {
    if (this.#sockets.get(accepted.key) !== accepted) {
      return false
    }

    this.#transient.delete(accepted)

    return this.#sockets.delete(accepted.key)
  }

  #release (accepted: AcceptedSocket): void {
    if (this.#forget(accepted)) {
      accepted.scope.done()
    }
  }

  #start (): void {
    const [oldest] = this.#sockets.values()

    // a dry run ends nothing
    if (oldest == null || this.#timer != null || !this.#manager.enforces) {
      return
    }

    this.#timer = setBackgroundTimer(() => {
      this.#timer = undefined
      this.#endDue()
      this.#start()
    }, Math.max(0, oldest.until - performance.now()))
  }

  #endDue (): void {
    const now = performance.now()

    for (const accepted of this.#sockets.values()) {
      if (accepted.until > now) {
        return
      }

      this.#release(accepted)
      accepted.socket.destroy()
    }
  }
}

function isWebSocketListener (listener: Listener): listener is WebSocketListener {
  const { onUpgrade, server } = listener as Partial<WebSocketListener>

  return typeof onUpgrade === 'function' && typeof server?.prependListener === 'function'
}

/**
 * For WebSockets that are opened from now on
 */
function limitMessages ({ wsServer: { options } = {} }: WebSocketListener): void {
  for (const [name, most] of Object.entries(MAX_MESSAGE)) {
    const current = options?.[name]

    // 0 is none
    if (options != null && typeof current === 'number' && (current === 0 || current > most)) {
      options[name] = most
    }
  }
}

/**
 * A key that no other socket has. A TLS socket has the same key as the socket below it.
 */
function keyOf ({ localAddress, localPort, remoteAddress, remotePort }: Socket): string {
  return `${localAddress} ${localPort} ${remoteAddress} ${remotePort}`
}

/**
 * The address that the connection will have. There is none if the remote has gone already, or
 * if the listener cannot make an address of it: an IPv6 address with a zone.
 */
function addressOf ({ remoteAddress, remotePort }: Socket): Multiaddr | undefined {
  if (remoteAddress == null || remotePort == null) {
    return
  }

  try {
    return ipPortToMultiaddr(remoteAddress, remotePort).encapsulate('/ws')
  } catch {
    // it is closed, as the listener would do
  }
}
