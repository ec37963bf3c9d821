import type { BufferProgress } from './buffer-progress.ts'
import type { DefaultConnectionScope } from '../../scopes/connection-scope.ts'
import type { DefaultStreamScope } from '../../scopes/stream-scope.ts'

/**
 * A stream or connection whose buffers are accounted for, until its scope is closed. What
 * is counted of them is `scope.buffers`.
 */
export interface BufferHolder {
  readonly scope: DefaultStreamScope | DefaultConnectionScope

  /**
   * The connection that it is or that it is a stream of
   */
  readonly connectionScope: DefaultConnectionScope

  /**
   * What was measured last, in bytes
   */
  size: number

  /**
   * The part of what was measured last that the remote has sent and nobody has read, in
   * bytes. The rest is what the remote has not taken.
   */
  unread: number

  /**
   * The part of `scope.buffers` that is unread
   */
  countedUnread: number

  /**
   * Whether what is in its buffers moves, while there is something
   */
  progress?: BufferProgress | undefined

  /**
   * The bytes that are in its buffers now, which take no more memory than about two times as
   * much from then on
   */
  measure(): number

  /**
   * How many bytes have been read since this was called the last time, while there is
   * `progress`, and no more than matter for it
   */
  takeRead(): number

  /**
   * How many bytes were added to what is not sent since this was called the last time, while
   * there is `progress`
   */
  takeQueued(): number

  /**
   * Ends it because of what it holds
   */
  abort(err: Error): void

  /**
   * Closes its scope
   */
  end(): void
}
