import { attachedToConnection } from '../../scopes/attached-scopes.ts'
import { receiverOf } from '../connections/web-socket-receiver.ts'
import { tryCall } from '../try-call.ts'
import { piecesIn } from './compact-list.ts'
import { ConnectionBuffers } from './connection-buffers.ts'
import { SparseHolder } from './held-buffers.ts'
import type { Pieces } from './compact-list.ts'
import type { DefaultConnectionScope } from '../../scopes/connection-scope.ts'
import type { Evictable } from '../../scopes/evictable.ts'
import type { Positioned } from '../../util/positioned-list.ts'
import type { Transient } from '../fairness/transient-holders.ts'
import type { Connection, MessageStream, MultiaddrConnection, StreamCloseEvent, StreamMuxer } from '@libp2p/interface'

/**
 * Who is told what happens to connections
 */
export interface LiveConnectionOwner {
  /** Closes the scope of a connection */
  end(live: LiveConnection): void

  /** A connection has been closed */
  closed(live: LiveConnection, gracefully: boolean): void
}

/**
 * A connection that is accounted for, until its scope is closed. What is in its own
 * buffers and is in those of no stream:
 *
 * - the beginning of a frame whose end has not come. yamux takes whatever length the
 * remote says it has.
 * - what the muxer answers while the remote does not read, such as answers to pings: they
 * do not wait for room.
 * - what the socket has not sent yet, up to 4 MiB of a WebSocket.
 * - the beginning of a message of a WebSocket.
 * - while the connection is upgraded, all that has been received, because it may wait
 * where nobody can see it. That is more than `UPGRADE_ALLOWANCE` only where a remote fills
 * these buffers, of which each takes 4 MiB.
 *
 * What streams send waits in their own buffers when the socket is full.
 *
 * What cannot be seen: what a connection protector keeps, and what WebRTC has received and not
 * yet made a message of.
 */
export class LiveConnection extends SparseHolder<ConnectionBuffers> implements Evictable, Positioned {
  declare readonly connection: MultiaddrConnection
  declare readonly scope: DefaultConnectionScope
  declare readonly owner: LiveConnectionOwner
  declare position: number

  /**
   * The lists of unread bytes, followed by those of unsent ones. The array has no spare room.
   */
  #pieces: Pieces[] = []

  /** How many of these are what the remote has sent */
  #unreadPieces = 0

  /** What was made of it, once it is upgraded */
  declare opened?: Connection

  /** How many streams this node is opening on it in this very step, by libp2p's own muxers */
  declare opening: number

  /** When it last carried a stream of a service in `fairness.useful` */
  declare useful?: number

  /** While its peer is not known */
  declare transient?: Transient

  /**
   * @param scope
   * @param connection - the socket
   * @param owner
   */
  constructor (scope: DefaultConnectionScope, connection: MultiaddrConnection, owner: LiveConnectionOwner) {
    super()
    this.scope = scope
    this.connection = connection
    this.owner = owner
    this.position = -1
    this.opened = undefined
    this.opening = 0
    this.useful = undefined
    this.transient = undefined
    scope.holder = this
    this.held = new ConnectionBuffers(receiverOf(connection))
    this.#findBuffers([[connection, 'readBuffer']], [[connection, 'writeBuffer']])
  }

  get connectionScope (): DefaultConnectionScope {
    return this.scope
  }

  get active (): number {
    return 0
  }

  protected ensureHeld (): ConnectionBuffers {
    this.held ??= new ConnectionBuffers()

    return this.held
  }

  #findBuffers (received: BufferIn[], sent: BufferIn[]): void {
    const unread = buffersIn(received)

    this.#unreadPieces = unread.length
    // a list that has grown has room for more
    this.#pieces = [...unread, ...buffersIn(sent)].slice()
  }

  /**
   * Who counts what it receives until it is upgraded
   */
  get onReceived (): ((bytes: number) => void) | undefined {
    return this.held?.onReceived
  }

  set onReceived (onReceived: (bytes: number) => void) {
    this.ensureHeld().onReceived = onReceived
  }

  /**
   * It has received bytes
   */
  received (bytes: number): void {
    const { held } = this

    if (held?.onReceived !== undefined) {
      held.receivedBefore += bytes
      held.onReceived(bytes)
    }
  }

  /**
   * What is between the socket and the streams is known
   */
  upgraded (encrypted: MessageStream, muxer: StreamMuxer): void {
    const { connection, held } = this
    const { decoder } = muxer as { decoder?: unknown }

    if (held !== undefined) {
      held.onReceived = undefined
      held.receivedBefore = 0
      held.lists = undefined
    }

    // noise and yamux call it `buffer`, mplex `_buffer`
    const received: BufferIn[] = [[connection, 'readBuffer'], [decoder, 'buffer'], [decoder, '_buffer']]
    const sent: BufferIn[] = [[connection, 'writeBuffer']]

    // some transports encrypt by themselves
    if (encrypted !== connection) {
      const { decoder } = encrypted as { decoder?: unknown }

      received.push([encrypted, 'readBuffer'], [decoder, 'buffer'], [decoder, '_buffer'])
      sent.push([encrypted, 'writeBuffer'])
    }

    this.#findBuffers(received, sent)
  }

  measure (): number {
    const { held } = this
    const pieces = this.#pieces
    const received = bytesIn(pieces, 0, this.#unreadPieces)
    const sent = bytesIn(pieces, this.#unreadPieces, pieces.length)
    const unsent = sent + unsentBy(this.connection)

    // most have nothing in a buffer, and had nothing before
    if (held === undefined && received + unsent === 0) {
      return 0
    }

    const size = this.ensureHeld().measured(pieces, received, sent, unsent)

    if (size === 0 && this.over) {
      this.held = undefined
    }

    return size
  }

  get rtt (): number | undefined {
    return this.opened?.rtt
  }

  /**
   * A muxer tells the remote of a stream in a microtask, and throws there, where nobody can
   * catch it, if its connection has gone (yamux 8.0.1, mplex 12.0.32). So a connection on
   * which a stream is being opened has ended for us now, and is closed after that.
   */
  abort (err: Error): void {
    const abort = (): void => { tryCall(this.connection, 'abort', err) }

    if (this.opening === 0) {
      abort()
    } else {
      setTimeout(abort)
    }

    // one that ends later than it says, or cannot be aborted, has ended for us
    this.end()
  }

  evict (err: Error): boolean {
    // another one can be found that is closed at once
    if (this.opening > 0) {
      return false
    }

    this.abort(err)

    return true
  }

  /**
   * It has been closed
   *
   * @param gracefully - whether both ends agree
   */
  closed (gracefully: boolean): void {
    this.owner.closed(this, gracefully)
  }

  /**
   * The event of a raw connection that may have another one which tells of its end
   */
  handleEvent ({ error }: StreamCloseEvent): void {
    if (!this.scope.closed) {
      this.closed(error == null)
    }
  }

  end (): void {
    this.owner.end(this)
  }
}

/**
 * The `LiveConnection` of a connection, raw or not, if it is accounted for
 */
export const liveConnection = attachedToConnection as (connection: Connection | MultiaddrConnection) => LiveConnection | undefined

/**
 * A property of something that may be a buffer
 */
type BufferIn = [owner: unknown, property: string]

function buffersIn (buffers: BufferIn[]): Pieces[] {
  return buffers.map(([owner, property]) => piecesIn(owner, property)).filter(pieces => pieces != null)
}

function bytesIn (buffers: Pieces[], from: number, to: number): number {
  let bytes = 0

  for (let i = from; i < to; i++) {
    bytes += buffers[i].byteLength
  }

  return bytes
}

/**
 * What TCP sockets and WebSockets have accepted and not sent
 */
function unsentBy (connection: MultiaddrConnection): number {
  const { socket, websocket } = connection as { socket?: { writableLength?: unknown }, websocket?: { bufferedAmount?: unknown } }
  const unsent = socket?.writableLength ?? websocket?.bufferedAmount

  return typeof unsent === 'number' ? unsent : 0
}
