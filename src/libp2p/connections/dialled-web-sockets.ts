import { createHash } from 'node:crypto'
import { subscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'

/**
 * The text that is hashed with the key of a WebSocket, so that the answer proves that the key
 * was read (RFC 6455, section 1.3)
 */
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/**
 * A request as Node.js publishes it (https://undici.nodejs.org/#/docs/api/DiagnosticsChannel)
 */
interface SentHeaders {
  readonly request: { readonly upgrade?: unknown }
  readonly headers: string
  readonly socket: Socket
}

interface OpenedWebSocket {
  /** Since Node.js 24 */
  readonly websocket?: object
  readonly handshakeResponse?: { readonly headers?: Record<string, unknown> }
}

/**
 * The sockets of WebSockets that were requested and are not open yet, by the answer that the
 * remote has to give
 */
const asked = new Map<string, Socket>()

const sockets = new WeakMap<object, Socket>()
let observing = false

/**
 * Finds the sockets of the WebSockets that this process dials from now on. WebSockets of the
 * platform do not show their socket, but the platform publishes what is sent over which socket
 * and which WebSockets open.
 */
export function observeDialledWebSockets (): void {
  if (observing) {
    return
  }

  observing = true
  subscribe('undici:client:sendHeaders', message => { rememberSocket(message as SentHeaders) })
  subscribe('undici:websocket:open', message => { assignSocket(message as OpenedWebSocket) })
}

/**
 * The socket of a WebSocket that this process has dialled, where it is known
 */
export function socketOfDialled (webSocket: object): Socket | undefined {
  return sockets.get(webSocket)
}

function rememberSocket ({ request, headers, socket }: SentHeaders): void {
  if (request?.upgrade !== 'websocket') {
    return
  }

  const key = /^sec-websocket-key: *(\S+)/im.exec(headers)?.[1]

  if (key == null) {
    return
  }

  const accept = createHash('sha1').update(key + ACCEPT_SUFFIX).digest('base64')

  asked.set(accept, socket)
  socket.once('close', () => { asked.delete(accept) })
}

function assignSocket ({ handshakeResponse, websocket }: OpenedWebSocket): void {
  const accept = handshakeResponse?.headers?.['sec-websocket-accept']
  const socket = typeof accept === 'string' ? asked.get(accept) : undefined

  if (websocket != null && socket != null) {
    asked.delete(accept as string)
    sockets.set(websocket, socket)
  }
}
