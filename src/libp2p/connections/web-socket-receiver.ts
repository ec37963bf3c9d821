import { socketOfDialled } from './dialled-web-sockets.ts'
import type { MultiaddrConnection } from '@libp2p/interface'
import type { Socket } from 'node:net'

/**
 * What a piece of a message costs in itself, in bytes. Measured with 60,000 pieces of one
 * byte that a socket has received, each of which has a buffer of its own.
 */
const PIECE_COST = 1024

/**
 * Where a WebSocket keeps the beginning of a message until it is complete
 */
export interface WebSocketReceiver {
  /** What that costs, in bytes */
  readonly unfinished: number
}

/**
 * What the `ws` module (8.23) keeps: bytes read from the socket, and fragments made of them.
 * There is no public way to know this.
 */
interface WsReceiver {
  readonly _bufferedBytes?: number
  readonly _buffers?: { readonly length: number }
  readonly _messageLength?: number
  readonly _fragments?: { readonly length: number }
}

class AcceptedReceiver implements WebSocketReceiver {
  readonly #receiver: WsReceiver

  constructor (receiver: WsReceiver) {
    this.#receiver = receiver
  }

  get unfinished (): number {
    const { _bufferedBytes, _buffers, _messageLength, _fragments } = this.#receiver

    return numberOr0(_bufferedBytes) + numberOr0(_messageLength) +
      PIECE_COST * (numberOr0(_buffers?.length) + numberOr0(_fragments?.length))
  }
}

/**
 * The length of the header of a frame from a remote, in bytes (RFC 6455, section 5.2)
 */
function headerOf (length: number): number {
  if (length < 0x10000) {
    return length < 126 ? 2 : 4
  }

  return 10
}

/**
 * The WebSockets of Node.js show nothing of it. Known are the bytes that they have read and the
 * messages made of them: the rest is unfinished. Until a message comes, pings and headers of
 * fragments count as part of it. Bytes that came together with the end of a long message, 64
 * KiB at most, do not.
 */
class DialledReceiver implements WebSocketReceiver {
  #bytes = 0
  #pieces = 0

  /** What may be left of the last piece, in bytes */
  #rest = 0

  constructor (webSocket: EventTarget, socket: Socket) {
    // before the WebSocket's own, which makes messages of it
    socket.prependListener('data', ({ byteLength }) => {
      this.#bytes += byteLength
      this.#pieces++
      this.#rest = byteLength
    })

    webSocket.addEventListener('message', event => {
      const length = (event as MessageEvent).data?.byteLength ?? 0

      // it is made as soon as its last byte has come
      this.#rest = Math.max(0, this.#rest - length - headerOf(length))
      this.#bytes = this.#rest
      this.#pieces = this.#rest > 0 ? 1 : 0
    })
  }

  get unfinished (): number {
    return this.#bytes + PIECE_COST * this.#pieces
  }
}

/**
 * The receiver that keeps the beginning of a message of a connection over a WebSocket, if it is
 * known
 */
export function receiverOf (connection: MultiaddrConnection): WebSocketReceiver | undefined {
  const { websocket } = connection as { websocket?: EventTarget & { _receiver?: WsReceiver } }

  if (websocket?._receiver != null) {
    return new AcceptedReceiver(websocket._receiver)
  }

  const socket = websocket == null ? undefined : socketOfDialled(websocket)

  return websocket == null || socket == null ? undefined : new DialledReceiver(websocket, socket)
}

function numberOr0 (value: unknown): number {
  return typeof value === 'number' ? value : 0
}
