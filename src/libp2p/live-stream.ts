import type { ConnectionNode } from '../scopes/connection-node.ts'
import type { StreamNode } from '../scopes/stream-node.ts'
import type { Stream } from '@libp2p/interface'

/**
 * A stream that is accounted for, until its scope is closed
 */
export interface LiveStream {
  readonly stream: Stream
  readonly scope: StreamNode
  readonly connection: ConnectionNode

  /**
   * The bytes of its buffers that are reserved in its scope
   */
  buffered: number
}
