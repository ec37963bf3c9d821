import type { MultiaddrConnection } from '@libp2p/interface'

/**
 * A socket of the `ws` module or of the platform, as far as they are used here
 */
interface WebSocketLike {
  addEventListener (type: 'error', listener: () => void): void
  close (): void

  /** Only those of `ws`: closes the socket without asking the remote */
  terminate? (): void
}

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
 * Closes the socket of a connection that has been aborted, and does nothing to any other.
 * `@libp2p/websockets` (10.1.21) aborts with a status code that no socket accepts, which
 * leaves it open, with all that it has not sent, for as long as the remote likes.
 */
export function endAborted (maConn: MultiaddrConnection): void {
  const socket = webSocketOf(maConn)

  if (socket != null && maConn.status === 'aborted') {
    terminate(socket)
  }
}

/**
 * `ws` would wait 30 s for the remote to close its end as well
 */
function terminate (socket: WebSocketLike): void {
  if (typeof socket.terminate === 'function') {
    socket.terminate()
  } else {
    socket.close()
  }
}

function webSocketOf (maConn: MultiaddrConnection): WebSocketLike | undefined {
  const { websocket } = maConn as { websocket?: Partial<WebSocketLike> }

  return typeof websocket?.addEventListener === 'function' ? websocket as WebSocketLike : undefined
}
