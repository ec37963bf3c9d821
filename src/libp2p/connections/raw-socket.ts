import { tryCall } from '../try-call.ts'
import { socketOfDialled } from './dialled-web-sockets.ts'
import type { MultiaddrConnection } from '@libp2p/interface'

/**
 * A WebSocket of the `ws` module or of the platform, as far as it is used here
 */
interface WebSocketLike {
  readonly readyState?: number
  addEventListener (type: 'error', listener: () => void): void
  close (): void

  /** Only those of `ws`: closes the socket without asking the remote */
  terminate? (): void
}

/**
 * A socket of `node:net`
 */
interface SocketLike {
  readonly destroyed: boolean
  destroy (): void
}

/**
 * The `readyState` of a WebSocket that is closed
 */
const CLOSED = 3

/**
 * Keeps the error of a WebSocket from ending the process, and ends the connection in its
 * place. A remote causes one with any frame that breaks the protocol. Sockets of `ws` are
 * event emitters, and `@libp2p/websockets` (10.1.21) listens to everything but their errors.
 */
export function endOnError (maConn: MultiaddrConnection): void {
  const socket = webSocketOf(maConn)

  socket?.addEventListener('error', () => { terminate(socket) })
}

/**
 * Whether the socket of a connection that is over is still there: WebSockets wait for the
 * remote, and TCP waits until the remote has taken everything
 */
export function isSocketLeft (maConn: MultiaddrConnection): boolean {
  const webSocket = webSocketOf(maConn)

  return webSocket == null ? socketOf(maConn)?.destroyed === false : webSocket.readyState !== CLOSED
}

/**
 * Ends the socket of a connection that is over, whatever the remote does
 */
export function endSocket (maConn: MultiaddrConnection): void {
  const webSocket = webSocketOf(maConn)

  if (webSocket == null) {
    tryCall(socketOf(maConn), 'destroy')
  } else {
    terminate(webSocket)
  }
}

/**
 * `ws` would wait 30 s for the remote to close its end as well. `@libp2p/websockets` (10.1.21)
 * aborts a socket with a code that no socket takes, which does nothing. The WebSockets of
 * pages have only the polite way.
 */
function terminate (webSocket: WebSocketLike): void {
  const socket = socketOfDialled(webSocket)

  if (typeof webSocket.terminate === 'function') {
    tryCall(webSocket, 'terminate')
  } else if (socket == null) {
    tryCall(webSocket, 'close')
  } else {
    tryCall(socket, 'destroy')
  }
}

function webSocketOf (maConn: MultiaddrConnection): WebSocketLike | undefined {
  const { websocket } = maConn as { websocket?: Partial<WebSocketLike> }

  return typeof websocket?.addEventListener === 'function' ? websocket as WebSocketLike : undefined
}

function socketOf (maConn: MultiaddrConnection): Partial<SocketLike> | undefined {
  return (maConn as { socket?: Partial<SocketLike> }).socket
}
