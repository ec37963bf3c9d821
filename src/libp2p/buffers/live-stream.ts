import { attachedToStream } from '../../scopes/attached-scopes.ts'
import { nextActivity } from '../../util/clock.ts'
import { CompactList } from './compact-list.ts'
import type { BufferHolder } from './buffer-holder.ts'
import type { BufferProgress } from './buffer-progress.ts'
import type { Iterated } from './iterated-bytes.ts'
import type { DefaultConnectionScope } from '../../scopes/connection-scope.ts'
import type { Evictable } from '../../scopes/evictable.ts'
import type { DefaultStreamScope } from '../../scopes/stream-scope.ts'
import type { Positioned } from '../../util/positioned-list.ts'
import type { Transient } from '../fairness/transient-holders.ts'
import type { Stream } from '@libp2p/interface'

/**
 * A stream that is closed and whose handler runs
 */
export interface Waiting {
  readonly live: LiveStream

  /** The time from which nobody waits for its handler any more */
  readonly deadline: number

  /** The network that its stream has given way to. Its scope is closed then. */
  beneficiary?: string
  position: number
}

/**
 * The channel of a WebRTC stream. It takes up to 2 MiB that the remote does not read.
 */
type DataChannel = Pick<RTCDataChannel, 'readyState' | 'bufferedAmount'>

/**
 * A stream of yamux, which lets the remote send more when it has received something, whether
 * anybody has read it or not
 */
export interface WindowedStream {
  sendWindowUpdate(): void
}

/**
 * The most that a stream may have unread before its remote has to wait, in bytes: what
 * libp2p's streams keep while nobody listens before they give up
 */
const MAX_UNREAD = 4 * 2 ** 20

/**
 * The same when memory is getting short: the first window of yamux
 */
const MAX_UNREAD_WHEN_SHORT = 256 * 1024

/**
 * Who is told what happens to streams
 */
export interface LiveStreamOwner {
  /** Whether memory for what nobody has read is getting short */
  readonly short: boolean

  /** Closes the scope of a stream */
  end(live: LiveStream): void

  /** A stream has been closed */
  closed(live: LiveStream): void

  /**
   * Some of what a stream was given to send is left in its write buffer
   *
   * @param bytes - how many it was given
   */
  left(bytes: number): void

  /**
   * The remote of a stream has to wait until somebody reads, or memory is less short
   */
  withheld(live: LiveStream): void

  /**
   * A stream gives way to somebody of a network, unless too much would go on running
   */
  evict(live: LiveStream, err: Error, network: string): boolean
}

/**
 * A stream that is accounted for, until its scope is closed
 */
export class LiveStream implements BufferHolder, Evictable, Iterated, Positioned {
  // what each look reads comes first, to be in as few cache lines as possible
  readonly stream: Stream
  size = 0
  iterated = 0
  readonly #channel?: DataChannel
  readonly scope: DefaultStreamScope
  readonly connectionScope: DefaultConnectionScope
  readonly owner: LiveStreamOwner
  unread = 0
  countedUnread = 0
  progress?: BufferProgress = undefined
  position = -1
  active = nextActivity()

  /** While its protocol is not known */
  transient?: Transient = undefined

  /** Whether its handler has not ended yet */
  handled = false

  /** Where it waits for its handler, once it is closed */
  waiting?: Waiting = undefined
  dropIterated?: (err: Error) => void = undefined

  /** Why this node has ended it, if it was for what it held */
  endedBy?: Error = undefined

  /** Whether the remote waits until somebody reads */
  #withheld = false

  /** Whether it is one of those that are asked again by the next look */
  #asked = false
  #readBytes = 0
  #queuedBytes = 0
  #read?: CompactList = undefined
  #write?: CompactList = undefined

  /**
   * @param stream
   * @param scope
   * @param connectionScope - the scope of the connection that it is a stream of
   * @param owner
   */
  constructor (stream: Stream, scope: DefaultStreamScope, connectionScope: DefaultConnectionScope, owner: LiveStreamOwner) {
    this.stream = stream
    this.scope = scope
    this.connectionScope = connectionScope
    this.#channel = (stream as { channel?: DataChannel }).channel
    this.owner = owner
    scope.holder = this
  }

  measure (): number {
    const { readBufferLength, writeBufferLength } = this.stream
    const unread = readBufferLength + this.iterated
    const size = unread + writeBufferLength + (this.#channel === undefined ? 0 : unsentBy(this.#channel))

    // most streams have nothing in a buffer when somebody looks, and had nothing before
    if (size !== 0 || this.size !== 0) {
      this.#compact(readBufferLength, writeBufferLength)
      this.unread = unread
      this.size = size
    }

    return size
  }

  #compact (readBufferLength: number, writeBufferLength: number): void {
    if (readBufferLength > 0) {
      this.#read ??= CompactList.in(this.stream, 'readBuffer')
    }

    if (writeBufferLength > 0) {
      this.#write ??= CompactList.in(this.stream, 'writeBuffer')
    }

    this.#read?.compact()
    this.#write?.compact()
  }

  /**
   * It has handed out bytes. A loop reads them later.
   */
  dispatched (bytes: number): void {
    this.active = nextActivity()

    if (this.dropIterated == null) {
      this.#readBytes += bytes
    }
  }

  /**
   * A loop has taken bytes out of it
   */
  read (bytes: number): void {
    this.#readBytes += bytes
    this.grantWindow()
  }

  /**
   * Whether the remote may not send more for now. Without this it could send any amount to a
   * loop that is slower, and the stream would have to be ended for it.
   */
  withholdsWindow (): boolean {
    this.#withheld = this.stream.readBufferLength + this.iterated > (this.owner.short ? MAX_UNREAD_WHEN_SHORT : MAX_UNREAD)

    if (this.#withheld && !this.#asked) {
      this.#asked = true
      this.owner.withheld(this)
    }

    return this.#withheld
  }

  /**
   * It is asked again whether the remote still has to wait. If so, it is asked by the next
   * look as well.
   */
  askAgain (): void {
    this.#asked = false
    this.grantWindow()
  }

  /**
   * Lets the remote send more if it waits and enough has been read
   */
  grantWindow (): void {
    if (this.#withheld && this.stream.status === 'open') {
      // asks again whether it may
      (this.stream as unknown as WindowedStream).sendWindowUpdate()
    }
  }

  /**
   * Some of what it was given to send is left in its write buffer
   */
  left (bytes: number): void {
    this.#queuedBytes += bytes
    this.owner.left(bytes)
  }

  takeRead (): number {
    const bytes = this.#readBytes

    this.#readBytes = 0

    return bytes
  }

  takeQueued (): number {
    const bytes = this.#queuedBytes

    this.#queuedBytes = 0

    return bytes
  }

  abort (err: Error): void {
    this.endedBy = err
    this.stream.abort(err)

    // they remember the last piece that they have seen
    this.#read = undefined
    this.#write = undefined

    // a loop gets what was complete before, and it may take its time
    if (this.iterated > 0) {
      this.dropIterated?.(err)
    }
  }

  evict (err: Error, beneficiary: string): boolean {
    return this.owner.evict(this, err, beneficiary)
  }

  end (): void {
    this.owner.end(this)
  }
}

/**
 * Whether a stream lets its remote send only so much at a time
 */
export function hasWindow (stream: object): stream is Stream & WindowedStream {
  return typeof (stream as Partial<WindowedStream>).sendWindowUpdate === 'function'
}

/**
 * What follows a stream, if it is accounted for
 */
export const liveStream = attachedToStream as (stream: Stream) => LiveStream | undefined

function unsentBy (channel: DataChannel): number {
  try {
    return channel.readyState === 'open' ? channel.bufferedAmount : 0
  } catch {
    // it has been closed, and does not know it yet
    return 0
  }
}
