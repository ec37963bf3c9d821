import { CompactList } from './compact-list.ts'
import type { BufferHolder } from './buffer-holder.ts'
import type { Iterated } from './iterated-bytes.ts'
import type { ConnectionNode } from '../scopes/connection-node.ts'
import type { StreamNode } from '../scopes/stream-node.ts'
import type { Stream } from '@libp2p/interface'

/**
 * The channel of a WebRTC stream. It takes up to 2 MiB that the remote does not read.
 */
type DataChannel = Pick<RTCDataChannel, 'readyState' | 'bufferedAmount'>

/**
 * A stream that is accounted for, until its scope is closed
 */
export class LiveStream implements BufferHolder, Iterated {
  readonly stream: Stream
  readonly scope: StreamNode
  readonly connection: ConnectionNode
  buffered = 0
  iterated = 0
  dropIterated?: (err: Error) => void = undefined
  readonly #channel?: DataChannel
  readonly #end: (live: LiveStream) => void
  #read?: CompactList = undefined
  #write?: CompactList = undefined

  /**
   * @param stream
   * @param scope
   * @param connection - the one that it is a stream of
   * @param end - closes its scope
   */
  constructor (stream: Stream, scope: StreamNode, connection: ConnectionNode, end: (live: LiveStream) => void) {
    this.stream = stream
    this.scope = scope
    this.connection = connection
    this.#channel = (stream as { channel?: DataChannel }).channel
    this.#end = end
  }

  measure (): number {
    const { stream } = this
    const { readBufferLength, writeBufferLength } = stream

    // most streams never have anything in a buffer when somebody looks
    if (readBufferLength > 0) {
      this.#read ??= CompactList.in(stream, 'readBuffer')
    }

    if (writeBufferLength > 0) {
      this.#write ??= CompactList.in(stream, 'writeBuffer')
    }

    this.#read?.compact()
    this.#write?.compact()

    return readBufferLength + writeBufferLength + this.iterated + (this.#channel == null ? 0 : unsentBy(this.#channel))
  }

  abort (err: Error): void {
    this.stream.abort(err)

    // a loop gets what was complete before, and it may take its time
    if (this.iterated > 0) {
      this.dropIterated?.(err)
    }
  }

  end (): void {
    this.#end(this)
  }
}

function unsentBy (channel: DataChannel): number {
  try {
    return channel.readyState === 'open' ? channel.bufferedAmount : 0
  } catch {
    // it has been closed, and does not know it yet
    return 0
  }
}
