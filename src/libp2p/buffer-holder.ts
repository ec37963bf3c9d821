import type { ConnectionNode } from '../scopes/connection-node.ts'
import type { StreamNode } from '../scopes/stream-node.ts'

/**
 * A stream or connection whose buffers are accounted for, until its scope is closed
 */
export interface BufferHolder {
  readonly scope: StreamNode | ConnectionNode

  /**
   * The bytes of its buffers that are reserved in its scope
   */
  buffered: number

  /**
   * The bytes that are in its buffers now, which weigh no more than about two times as
   * much from then on
   */
  measure(): number

  /**
   * Ends it because of what it holds
   */
  abort(err: Error): void

  /**
   * Closes its scope
   */
  end(): void
}
