import { STALL_BYTES } from './buffer-progress.ts'
import type { BufferHolder } from './buffer-holder.ts'
import type { BufferProgress } from './buffer-progress.ts'
import type { DefaultConnectionScope } from '../../scopes/connection-scope.ts'
import type { DefaultStreamScope } from '../../scopes/stream-scope.ts'

/**
 * What is known of the buffers of a stream or connection. Most have nothing in them, so there
 * is one only while there is something.
 */
export class HeldBuffers {
  size = 0
  unread = 0
  countedUnread = 0
  progress?: BufferProgress = undefined

  /** Bytes that were read and queued since the last question */
  read = 0
  queued = 0

  /**
   * Bytes have been read. They count only while something could stand still, and up to
   * `STALL_BYTES`.
   */
  moved (bytes: number): void {
    if (this.progress !== undefined && this.read < STALL_BYTES) {
      this.read += bytes
    }
  }

  /**
   * How many bytes have been read or queued since this was asked the last time
   */
  sinceLast (what: 'read' | 'queued'): number {
    const bytes = this[what]

    this[what] = 0

    return bytes
  }

  /**
   * Whether there is nothing left to remember
   */
  get over (): boolean {
    return this.size === 0 && this.countedUnread === 0 && this.progress === undefined
  }
}

/**
 * A stream or connection that keeps what is known of its buffers only while there is something in
 * them
 */
export abstract class SparseHolder<H extends HeldBuffers> implements BufferHolder {
  // see owned-scope.ts for why these are not fields of the class
  declare protected held?: H

  constructor () {
    this.held = undefined
  }

  abstract readonly scope: DefaultStreamScope | DefaultConnectionScope
  abstract readonly connectionScope: DefaultConnectionScope
  abstract measure (): number
  abstract abort (err: Error): void
  abstract end (): void
  protected abstract ensureHeld (): H

  get size (): number {
    return this.held === undefined ? 0 : this.held.size
  }

  /**
   * `scope.buffers`, without reading the scopes of those that have nothing
   */
  get counted (): number {
    return this.held === undefined ? 0 : this.scope.buffers
  }

  /**
   * Whether there is nothing to know any more. It may have been measured and not be counted yet.
   */
  protected get over (): boolean {
    return this.held?.over === true && this.scope.buffers === 0
  }

  get unread (): number {
    return this.held === undefined ? 0 : this.held.unread
  }

  get countedUnread (): number {
    return this.held === undefined ? 0 : this.held.countedUnread
  }

  set countedUnread (bytes: number) {
    if (this.held !== undefined) {
      this.held.countedUnread = bytes
    }
  }

  get progress (): BufferProgress | undefined {
    return this.held?.progress
  }

  set progress (progress: BufferProgress | undefined) {
    if (progress !== undefined) {
      this.ensureHeld().progress = progress
    } else if (this.held !== undefined) {
      this.held.progress = undefined
    }
  }

  sinceLast (what: 'read' | 'queued'): number {
    return this.held?.sinceLast(what) ?? 0
  }
}
