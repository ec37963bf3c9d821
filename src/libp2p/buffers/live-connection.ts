import { attachedToConnection } from '../../scopes/attached-scopes.ts'
import { receiverOf } from '../connections/web-socket-receiver.ts'
import { CompactList, piecesIn } from './compact-list.ts'
import type { BufferHolder } from './buffer-holder.ts'
import type { BufferProgress } from './buffer-progress.ts'
import type { Pieces } from './compact-list.ts'
import type { DefaultConnectionScope } from '../../scopes/connection-scope.ts'
import type { Evictable } from '../../scopes/evictable.ts'
import type { Positioned } from '../../util/positioned-list.ts'
import type { WebSocketReceiver } from '../connections/web-socket-receiver.ts'
import type { Transient } from '../fairness/transient-holders.ts'
import type { Connection, MessageStream, MultiaddrConnection, StreamMuxer } from '@libp2p/interface'

/**
 * What an upgrade may receive without being counted, in bytes. With noise and yamux it is
 * about 500, and the base cost of a connection is there for it.
 */
const UPGRADE_ALLOWANCE = 64 * 1024

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
 * where nobody can look. That is more than `UPGRADE_ALLOWANCE` only where a remote fills
 * these buffers, of which each takes 4 MiB.
 *
 * What streams send waits in their own buffers when the socket is full.
 *
 * What cannot be seen: what a connection protector keeps, and what WebRTC has received and not
 * yet made a message of.
 */
export class LiveConnection implements BufferHolder, Evictable, Positioned {
  // what each look reads comes first, to be in as few cache lines as possible
  readonly connection: MultiaddrConnection
  size = 0

  /** While it is upgraded, in bytes */
  #received = 0
  readonly #receiver?: WebSocketReceiver

  /** What the remote has sent, and what it has not taken: arrays that are as long as they have to be */
  #unread: Pieces[]
  #unsent: Pieces[]

  /** While there is anything in them */
  #lists?: CompactList[] = undefined
  readonly scope: DefaultConnectionScope
  unread = 0
  countedUnread = 0
  progress?: BufferProgress = undefined
  position = -1
  readonly active = 0

  /** What was made of it, once it is upgraded */
  opened?: Connection = undefined

  /** How many streams this node is opening on it right now, in this step */
  opening = 0

  /** When it last carried a stream of a service that this node is there for */
  useful?: number = undefined

  /** While its peer is not known */
  transient?: Transient = undefined

  /** Is told of the bytes that it receives, until it is upgraded */
  onReceived?: (bytes: number) => void = undefined
  readonly #owner: LiveConnectionOwner

  /**
   * @param scope
   * @param connection - the socket
   * @param owner
   */
  constructor (scope: DefaultConnectionScope, connection: MultiaddrConnection, owner: LiveConnectionOwner) {
    this.scope = scope
    this.connection = connection
    this.#owner = owner
    scope.holder = this
    this.#receiver = receiverOf(connection)
    this.#unread = buffersIn([connection, 'readBuffer'])
    this.#unsent = buffersIn([connection, 'writeBuffer'])
  }

  get connectionScope (): DefaultConnectionScope {
    return this.scope
  }

  /**
   * Counts what it receives until it is upgraded
   */
  received (bytes: number): void {
    if (this.onReceived != null) {
      this.#received += bytes
      this.onReceived(bytes)
    }
  }

  /**
   * What is between the socket and the streams is known
   */
  upgraded (encrypted: MessageStream, muxer: StreamMuxer): void {
    this.onReceived = undefined
    this.#received = 0

    const { connection } = this
    const { decoder } = muxer as { decoder?: unknown }

    // noise and yamux call it `buffer`, mplex `_buffer`
    const received: BufferIn[] = [[connection, 'readBuffer'], [decoder, 'buffer'], [decoder, '_buffer']]
    const sent: BufferIn[] = [[connection, 'writeBuffer']]

    // some transports encrypt by themselves
    if (encrypted !== connection) {
      const { decoder } = encrypted as { decoder?: unknown }

      received.push([encrypted, 'readBuffer'], [decoder, 'buffer'], [decoder, '_buffer'])
      sent.push([encrypted, 'writeBuffer'])
    }

    this.#unread = buffersIn(...received)
    this.#unsent = buffersIn(...sent)
    this.#lists = undefined
  }

  measure (): number {
    const unread = Math.max(0, this.#received - UPGRADE_ALLOWANCE) + (this.#receiver === undefined ? 0 : this.#receiver.unfinished)
    const received = bytesIn(this.#unread)
    const sent = bytesIn(this.#unsent)
    const size = unread + received + sent + unsentBy(this.connection)

    // most have nothing in a buffer when somebody looks, and had nothing before
    if (size !== 0 || this.size !== 0) {
      this.#compact(received + sent)
      this.unread = unread + received
      this.size = size
    }

    return size
  }

  #compact (bytes: number): void {
    if (bytes === 0) {
      this.#lists = undefined
      return
    }

    this.#lists ??= [...this.#unread, ...this.#unsent].map(pieces => new CompactList(pieces))
    this.#lists.forEach(list => { list.compact() })
  }

  /**
   * What its own buffers pass on is not counted: what they hold is no more than a part of a
   * frame
   */
  takeRead (): number {
    return 0
  }

  takeQueued (): number {
    return 0
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
    if (this.opening === 0) {
      this.connection.abort(err)
      return
    }

    this.end()
    setTimeout(() => { this.connection.abort(err) })
  }

  evict (err: Error): boolean {
    // another one can be found that is closed at once
    if (this.opening > 0) {
      return false
    }

    this.abort(err)

    // one that ends later than it says has ended for us
    if (!this.scope.closed) {
      this.end()
    }

    return true
  }

  /**
   * It has been closed
   *
   * @param gracefully - whether both ends agree
   */
  closed (gracefully: boolean): void {
    this.#owner.closed(this, gracefully)
  }

  end (): void {
    this.#owner.end(this)
  }
}

/**
 * What follows a connection, raw or not, if it is accounted for
 */
export const liveConnection = attachedToConnection as (connection: Connection | MultiaddrConnection) => LiveConnection | undefined

/**
 * A property of something that may be a buffer
 */
type BufferIn = [owner: unknown, property: string]

function buffersIn (...buffers: BufferIn[]): Pieces[] {
  // a list that has grown has room for more
  return buffers.map(([owner, property]) => piecesIn(owner, property)).filter(pieces => pieces != null).slice()
}

function bytesIn (buffers: Pieces[]): number {
  let bytes = 0

  for (let i = 0; i < buffers.length; i++) {
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
