import { SlidingWindow } from './sliding-window.ts'

/**
 * An active session, ready for `JSON.stringify`
 */
export interface Session {
  /** Unique in its collector. For a stream of a node, the name of its scope. */
  id: string

  /** What the session is about, such as the protocol of a stream */
  reference: string

  /** When the session was registered, in ms since 1970 */
  createdAt: number

  /** Where the other end is, such as its multiaddr, or `unknown` */
  location: string

  /** Who the other end is, such as its peer id, or `unknown` */
  peer: string

  /** What was given to `extra` last, empty if nothing was */
  extra: string

  /** Bytes received since the session was registered */
  rxBytes: number

  /** Average of the last ten seconds, in bit/s */
  rxBitrate: number

  /** Highest `rxBitrate` seen, less 5% for each second since, in bit/s */
  topRxBitrate: number

  /** Bytes sent since the session was registered */
  txBytes: number

  /** Average of the last ten seconds, in bit/s */
  txBitrate: number

  /** Highest `txBitrate` seen, less 5% for each second since, in bit/s */
  topTxBitrate: number
}

export interface ActiveSessionInit {
  id: string
  reference: string
  location: string
  peer: string

  /** The number of the step that it is now */
  step: number
}

/**
 * A session while it is registered
 */
export class ActiveSession {
  readonly id: string
  readonly reference: string
  readonly location: string
  readonly peer: string
  readonly createdAt = Date.now()
  readonly rx: SlidingWindow
  readonly tx: SlidingWindow
  extra = ''
  active = false

  /**
   * It has ended, for whatever reason: there may be another one with the same id
   */
  over = false

  rxBytes = 0
  txBytes = 0

  /**
   * The number of the step in which the session was registered, activated or had
   * traffic, whichever was last
   */
  lastSeen: number

  // the neighbours in the queue that the session is in
  previous?: ActiveSession
  next?: ActiveSession

  constructor (init: ActiveSessionInit) {
    this.id = init.id
    this.reference = init.reference
    this.location = init.location
    this.peer = init.peer
    this.lastSeen = init.step
    this.rx = new SlidingWindow(init.step)
    this.tx = new SlidingWindow(init.step)
  }

  toSession (step: number): Session {
    return {
      id: this.id,
      reference: this.reference,
      createdAt: this.createdAt,
      location: this.location,
      peer: this.peer,
      extra: this.extra,
      rxBytes: this.rxBytes,
      rxBitrate: this.rx.bitrate(step),
      topRxBitrate: this.rx.topBitrate(step),
      txBytes: this.txBytes,
      txBitrate: this.tx.bitrate(step),
      topTxBitrate: this.tx.topBitrate(step)
    }
  }
}
