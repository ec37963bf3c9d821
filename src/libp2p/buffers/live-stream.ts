import { attachedToStream } from '../../scopes/attached-scopes.ts'
import { nextActivity } from '../../util/clock.ts'
import { tryCall } from '../try-call.ts'
import { SparseHolder } from './held-buffers.ts'
import { StreamBuffers } from './stream-buffers.ts'
import type { Iterated } from './iterated-bytes.ts'
import type { DataChannel } from './stream-buffers.ts'
import type { DefaultConnectionScope } from '../../scopes/connection-scope.ts'
import type { Evictable } from '../../scopes/evictable.ts'
import type { DefaultStreamScope } from '../../scopes/stream-scope.ts'
import type { Positioned } from '../../util/positioned-list.ts'
import type { Transient } from '../fairness/transient-holders.ts'
import type { Stream } from '@libp2p/interface'

/**
 * A stream that is closed and whose handler runs
 */
export interface HandlerGrace {
  readonly live: LiveStream

  /** The time from which nobody waits for its handler any more */
  readonly deadline: number

  /** The network that its stream has given way to. If set, its scope is closed. */
  beneficiary?: string
  position: number
}

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
 * A stream that is accounted for, until its scope is closed. Remotes decide how many there are,
 * so it has few fields.
 */
export class LiveStream extends SparseHolder<StreamBuffers> implements Evictable, Iterated, Positioned {
  declare readonly stream: Stream
  declare readonly scope: DefaultStreamScope
  declare readonly connectionScope: DefaultConnectionScope
  declare readonly owner: LiveStreamOwner
  declare position: number
  declare active: number

  /** While its protocol is not known */
  declare transient?: Transient

  /** Whether its handler has not ended yet */
  declare handled: boolean

  /** While its handler runs, once it is closed */
  declare handlerGrace?: HandlerGrace

  /**
   * @param stream
   * @param scope
   * @param connectionScope - the scope of the connection that it is a stream of
   * @param owner
   */
  constructor (stream: Stream, scope: DefaultStreamScope, connectionScope: DefaultConnectionScope, owner: LiveStreamOwner) {
    super()
    this.stream = stream
    this.scope = scope
    this.connectionScope = connectionScope
    this.owner = owner
    this.position = -1
    this.active = nextActivity()
    this.transient = undefined
    this.handled = false
    this.handlerGrace = undefined
    scope.holder = this

    const { channel } = stream as { channel?: DataChannel }

    if (channel !== undefined) {
      this.held = new StreamBuffers(channel)
    }
  }

  protected ensureHeld (): StreamBuffers {
    this.held ??= new StreamBuffers()

    return this.held
  }

  measure (): number {
    const { readBufferLength, writeBufferLength } = this.stream

    // most streams have nothing in a buffer, and had nothing before
    if (this.held === undefined && readBufferLength + writeBufferLength === 0) {
      return 0
    }

    const held = this.ensureHeld()
    const unread = readBufferLength + held.iterated
    const size = unread + writeBufferLength + held.unsent

    if (size !== 0 || held.size !== 0) {
      held.compact(this.stream, readBufferLength, writeBufferLength)
      held.unread = unread
      held.size = size
    } else if (this.over) {
      this.held = undefined
    }

    return size
  }

  get iterated (): number {
    return this.held === undefined ? 0 : this.held.iterated
  }

  set iterated (bytes: number) {
    if (bytes !== this.iterated) {
      this.ensureHeld().iterated = bytes
    }
  }

  get discardIterated (): ((err: Error) => void) | undefined {
    return this.held?.discardIterated
  }

  set discardIterated (discard: ((err: Error) => void) | undefined) {
    this.ensureHeld().discardIterated = discard
  }

  /**
   * Why this node has ended it, if it was for what it held
   */
  get endedBy (): Error | undefined {
    return this.held?.endedBy
  }

  /**
   * It has handed out bytes. A loop reads them later.
   */
  dispatched (bytes: number): void {
    const { held } = this

    this.active = nextActivity()

    if (held !== undefined && held.discardIterated === undefined) {
      held.moved(bytes)
    }
  }

  /**
   * A loop has taken bytes out of it
   */
  read (bytes: number): void {
    this.held?.moved(bytes)
    this.grantWindow()
  }

  /**
   * Whether the remote may not send more for now. Otherwise it could send any amount to a
   * slower loop, and the stream would have to be ended.
   */
  withholdsWindow (): boolean {
    const withheld = this.stream.readBufferLength + this.iterated > (this.owner.short ? MAX_UNREAD_WHEN_SHORT : MAX_UNREAD)

    if (!withheld && this.held === undefined) {
      return false
    }

    const held = this.ensureHeld()

    held.withheld = withheld

    if (withheld && !held.asked) {
      held.asked = true
      this.owner.withheld(this)
    }

    return withheld
  }

  /**
   * Asks again whether the remote still has to wait. If so, the next measurement asks as well.
   */
  askAgain (): void {
    if (this.held !== undefined) {
      this.held.asked = false
    }

    this.grantWindow()
  }

  /**
   * Lets the remote send more if it waits and enough has been read
   */
  grantWindow (): void {
    if (this.held?.withheld === true && this.stream.status === 'open') {
      // asks again whether it may
      tryCall(this.stream as unknown as WindowedStream, 'sendWindowUpdate')
    }
  }

  /**
   * Some of what it was given to send is left in its write buffer
   */
  left (bytes: number): void {
    // nobody asks what was queued before that
    if (this.held?.progress !== undefined) {
      this.held.queued += bytes
    }

    this.owner.left(bytes)
  }

  abort (err: Error): void {
    const held = this.ensureHeld()

    held.endedBy = err
    tryCall(this.stream, 'abort', err)

    // they remember the last piece that they have seen
    held.readList = undefined
    held.writeList = undefined

    // a loop gets what was complete before, and it may take its time
    if (held.iterated > 0) {
      held.discardIterated?.(err)
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
 * The `LiveStream` of a stream, if it is accounted for
 */
export const liveStream = attachedToStream as (stream: Stream) => LiveStream | undefined
