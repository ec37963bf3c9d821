import type { BufferProgress } from './buffer-progress.ts'
import type { DefaultConnectionScope } from '../../scopes/connection-scope.ts'
import type { DefaultStreamScope } from '../../scopes/stream-scope.ts'

/**
 * A stream or connection whose buffers are accounted for, until its scope is closed.
 * `scope.buffers` is what is counted.
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
   * The part of `size` that the remote has sent and nobody has read, in bytes. The remote has
   * not taken the rest.
   */
  unread: number

  /**
   * The part of `scope.buffers` that is unread
   */
  countedUnread: number

  /**
   * How its buffers move, while there is something in them
   */
  progress?: BufferProgress | undefined

  /**
   * Measures its buffers, and makes them compact: from then on they take at most about twice
   * the memory. Returns their bytes.
   */
  measure(): number

  /**
   * How many bytes were read, or queued for sending, since the last call, while there is
   * `progress`. Bytes that were read and make no difference there may be left out.
   */
  sinceLast(what: 'read' | 'queued'): number

  /**
   * Ends it because of what it holds
   */
  abort(err: Error): void

  /**
   * Closes its scope
   */
  end(): void
}
