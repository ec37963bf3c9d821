import { CompactList } from './compact-list.ts'
import type { BufferHolder } from './buffer-holder.ts'
import type { ConnectionNode } from '../scopes/connection-node.ts'
import type { MessageStream, MultiaddrConnection, StreamMuxer } from '@libp2p/interface'

/**
 * What an upgrade may receive without being counted, in bytes. With noise and yamux it is
 * about 500, and what a connection weighs in itself is there for it.
 */
const UPGRADE_ALLOWANCE = 64 * 1024

/**
 * What is in the buffers of a connection itself and is in those of no stream:
 *
 * - the beginning of a frame whose end has not come. yamux takes whatever length the
 * remote says it has.
 * - what the muxer answers while the remote does not read, such as answers to pings: they
 * do not wait for room.
 * - what the socket has not sent yet, up to 4 MiB of a WebSocket.
 * - while the connection is upgraded, all that has been received, because it may wait
 * where nobody can look. That is more than `UPGRADE_ALLOWANCE` only where a remote fills
 * these buffers, of which each takes 4 MiB.
 *
 * What streams send waits in their own buffers when the socket is full.
 *
 * What cannot be seen: what a connection protector keeps, and what WebRTC has received and
 * not yet made a message of.
 */
export class ConnectionBuffers implements BufferHolder {
  readonly scope: ConnectionNode
  readonly connection: MultiaddrConnection
  buffered = 0
  readonly #end: (scope: ConnectionNode) => void
  readonly #lists: CompactList[] = []

  /** While it is upgraded, in bytes */
  #received = 0
  #stopWatching?: () => void

  /**
   * @param scope
   * @param connection - the socket
   * @param end - closes its scope
   */
  constructor (scope: ConnectionNode, connection: MultiaddrConnection, end: (scope: ConnectionNode) => void) {
    this.scope = scope
    this.connection = connection
    this.#end = end
    this.#add(connection, 'readBuffer')
    this.#add(connection, 'writeBuffer')
  }

  /**
   * Counts what is received until it is upgraded
   *
   * @param received - is told of the bytes
   */
  watchUpgrade (received: (bytes: number) => void): void {
    const { connection } = this
    const dispatchEvent: (event: any) => boolean = connection.dispatchEvent.bind(connection)
    const watched = connection.dispatchEvent = (event: any) => {
      if (event.type === 'message' && this.#stopWatching != null) {
        const bytes = event.data?.byteLength ?? 0

        this.#received += bytes
        received(bytes)
      }

      return dispatchEvent(event)
    }

    this.#stopWatching = () => {
      this.#stopWatching = undefined
      this.#received = 0

      // somebody else may have wrapped it since
      if (connection.dispatchEvent === watched) {
        connection.dispatchEvent = dispatchEvent
      }
    }
  }

  /**
   * What is between the socket and the streams is known
   */
  upgraded (encrypted: MessageStream, muxer: StreamMuxer): void {
    this.#stopWatching?.()

    // some transports encrypt by themselves
    if (encrypted !== this.connection) {
      this.#add(encrypted, 'readBuffer')
      this.#add(encrypted, 'writeBuffer')
      this.#addDecoder(encrypted)
    }

    this.#addDecoder(muxer)
  }

  measure (): number {
    let bytes = unsentBy(this.connection) + Math.max(0, this.#received - UPGRADE_ALLOWANCE)

    for (const list of this.#lists) {
      list.compact()
      bytes += list.byteLength
    }

    return bytes
  }

  abort (err: Error): void {
    this.connection.abort(err)
  }

  end (): void {
    this.#end(this.scope)
  }

  #add (owner: unknown, property: string): void {
    const list = CompactList.in(owner, property)

    if (list != null) {
      this.#lists.push(list)
    }
  }

  /**
   * noise and yamux call it `buffer`, mplex `_buffer`
   */
  #addDecoder (owner: unknown): void {
    const { decoder } = owner as { decoder?: unknown }

    this.#add(decoder, 'buffer')
    this.#add(decoder, '_buffer')
  }
}

/**
 * What TCP sockets and WebSockets have accepted and not sent
 */
function unsentBy (connection: MultiaddrConnection): number {
  const { socket, websocket } = connection as { socket?: { writableLength?: unknown }, websocket?: { bufferedAmount?: unknown } }
  const unsent = socket?.writableLength ?? websocket?.bufferedAmount

  return typeof unsent === 'number' ? unsent : 0
}
