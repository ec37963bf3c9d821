import type { MultiaddrConnection } from '@libp2p/interface'

/**
 * What a piece of a message weighs in itself, in bytes. Measured with 60,000 pieces of one
 * byte that a socket has received, each of which has a buffer of its own.
 */
const PIECE_WEIGHT = 1024

/**
 * What the `ws` module (8.23) keeps of a message until it is complete: what has been read
 * from the socket, and what of that was taken to be fragments. There is no public way to
 * know it.
 */
export interface WebSocketReceiver {
  readonly _bufferedBytes?: number
  readonly _buffers?: { readonly length: number }
  readonly _messageLength?: number
  readonly _fragments?: { readonly length: number }
}

/**
 * Where a connection over a WebSocket keeps the beginning of a message. The WebSockets of
 * platforms do not show it.
 */
export function receiverOf (connection: MultiaddrConnection): WebSocketReceiver | undefined {
  const { websocket } = connection as { websocket?: { _receiver?: WebSocketReceiver } }

  return websocket?._receiver ?? undefined
}

/**
 * What the beginning of a message weighs, in bytes
 */
export function unfinishedIn ({ _bufferedBytes, _buffers, _messageLength, _fragments }: WebSocketReceiver): number {
  return numberOr0(_bufferedBytes) + numberOr0(_messageLength) +
    PIECE_WEIGHT * (numberOr0(_buffers?.length) + numberOr0(_fragments?.length))
}

function numberOr0 (value: unknown): number {
  return typeof value === 'number' ? value : 0
}
