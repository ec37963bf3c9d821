import { CompactList } from './compact-list.ts'
import { HeldBuffers } from './held-buffers.ts'
import type { Stream } from '@libp2p/interface'

/**
 * The channel of a WebRTC stream. It takes up to 2 MiB that the remote does not read.
 */
export type DataChannel = Pick<RTCDataChannel, 'readyState' | 'bufferedAmount'>

/**
 * What is known of a stream only while its buffers are not empty, and what few streams have
 */
export class StreamBuffers extends HeldBuffers {
  readonly channel?: DataChannel
  readList?: CompactList = undefined
  writeList?: CompactList = undefined
  iterated = 0
  discardIterated?: (err: Error) => void = undefined

  /** Whether the remote waits until somebody reads */
  withheld = false

  /** Whether the next measurement asks it again */
  asked = false
  endedBy?: Error = undefined

  constructor (channel?: DataChannel) {
    super()
    this.channel = channel
  }

  get over (): boolean {
    return super.over && this.channel === undefined && this.iterated === 0 && this.discardIterated === undefined &&
      !this.withheld && !this.asked && this.endedBy === undefined
  }

  /**
   * What the channel has still to send, in bytes
   */
  get unsent (): number {
    const { channel } = this

    try {
      return channel?.readyState === 'open' ? channel.bufferedAmount : 0
    } catch {
      // it has been closed, and does not know it yet
      return 0
    }
  }

  compact (stream: Stream, readBufferLength: number, writeBufferLength: number): void {
    if (readBufferLength > 0) {
      this.readList ??= CompactList.in(stream, 'readBuffer')
    }

    if (writeBufferLength > 0) {
      this.writeList ??= CompactList.in(stream, 'writeBuffer')
    }

    this.readList?.compact()
    this.writeList?.compact()
  }
}
