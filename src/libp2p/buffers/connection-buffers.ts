import { CompactList } from './compact-list.ts'
import { HeldBuffers } from './held-buffers.ts'
import type { Pieces } from './compact-list.ts'
import type { WebSocketReceiver } from '../connections/web-socket-receiver.ts'

/**
 * How many bytes an upgrade may receive without being counted. With noise and yamux these are
 * about 500; the base cost of a connection covers them.
 */
const UPGRADE_ALLOWANCE = 64 * 1024

/**
 * What is known of a connection that is being upgraded, or whose buffers are not empty
 */
export class ConnectionBuffers extends HeldBuffers {
  /** What has received the beginning of a message of a WebSocket */
  readonly receiver?: WebSocketReceiver
  lists?: CompactList[] = undefined

  /** How many bytes it has received while it is upgraded, and who is told */
  receivedBefore = 0
  onReceived?: (bytes: number) => void = undefined

  constructor (receiver?: WebSocketReceiver) {
    super()
    this.receiver = receiver
  }

  get over (): boolean {
    return super.over && this.receiver === undefined && this.onReceived === undefined
  }

  /**
   * @param pieces
   * @param received - what there is in those that the remote has sent, in bytes
   * @param sent - the same of what it has not taken
   * @param unsent - that and what the socket has
   * @returns The size of all, in bytes
   */
  measured (pieces: Pieces[], received: number, sent: number, unsent: number): number {
    const unread = received + Math.max(0, this.receivedBefore - UPGRADE_ALLOWANCE) + (this.receiver === undefined ? 0 : this.receiver.unfinished)
    const size = unread + unsent

    if (size !== 0 || this.size !== 0) {
      this.lists = received + sent === 0 ? undefined : this.lists ?? pieces.map(pieces => new CompactList(pieces))
      this.lists?.forEach(list => { list.compact() })
      this.unread = unread
      this.size = size
    }

    return size
  }
}
