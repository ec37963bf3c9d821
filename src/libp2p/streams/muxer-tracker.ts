import { ConnectionClosedError } from '@libp2p/interface'
import { liveConnection } from '../buffers/live-connection.ts'
import { refuseTextInHandshakes, refuseTextOfInbound } from '../connections/data-channels.ts'
import { tryCall } from '../try-call.ts'
import { observeMuxer, wrapMuxer } from './observed-muxers.ts'
import type { MuxerObserver } from './observed-muxers.ts'
import type { StreamTracker } from './stream-tracker.ts'
import type { DefaultConnectionScope } from '../../scopes/connection-scope.ts'
import type { Connection, CreateStreamOptions, MessageStream, Stream, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'

/**
 * Observes all muxers, so that no stream of either direction goes unaccounted for
 */
export class MuxerTracker {
  readonly #tracker: StreamTracker

  /**
   * Muxers whose connection is not open yet. A muxer and its connection have only the array of
   * streams in common.
   */
  readonly #upgrading = new WeakMap<Stream[], TrackedMuxer>()

  constructor (tracker: StreamTracker) {
    this.#tracker = tracker
  }

  /**
   * A factory whose muxers are observed. The original stays as it is: other nodes may share it.
   */
  wrapFactory (factory: StreamMuxerFactory): StreamMuxerFactory {
    return {
      protocol: factory.protocol,
      createStreamMuxer: (maConn) => {
        // the remote may have gone during the upgrade. A muxer that is made then throws
        // where nobody can catch it, if there is something to answer.
        if (maConn.status !== 'open') {
          throw new ConnectionClosedError(`the connection is ${maConn.status}`)
        }

        const muxer = factory.createStreamMuxer(maConn)
        const { peerConnection } = muxer as { peerConnection?: object }

        if (peerConnection != null) {
          refuseTextInHandshakes(peerConnection)
        }

        return this.#track(muxer, maConn)
      }
    }
  }

  /**
   * A connection is open: its muxer may have streams from now on
   */
  connectionOpened (connection: Connection): void {
    const live = liveConnection(connection)
    const tracked = this.#upgrading.get(connection.streams)

    this.#upgrading.delete(connection.streams)

    if (live != null) {
      live.opened = connection
    }

    if (tracked == null) {
      return
    }

    if (live != null) {
      live.upgraded(tracked.encrypted as MessageStream, tracked.muxer)
    }

    tracked.scope = live?.scope
    tracked.encrypted = undefined
  }

  #track (muxer: StreamMuxer, encrypted: MessageStream): StreamMuxer {
    const tracked = new TrackedMuxer(this.#tracker, muxer, encrypted)

    this.#upgrading.set(muxer.streams, tracked)
    endStreamsWith(encrypted, muxer)
    refuseTextOfInbound(muxer)

    if (!observeMuxer(muxer, tracked)) {
      wrapMuxer(muxer, encrypted, tracked)
    }

    return muxer
  }
}

/**
 * A muxer whose streams are accounted for
 */
class TrackedMuxer implements MuxerObserver {
  readonly muxer: StreamMuxer
  scope?: DefaultConnectionScope = undefined

  /** What it gets its data from, until its connection is open */
  encrypted?: MessageStream
  readonly tracker: StreamTracker

  constructor (tracker: StreamTracker, muxer: StreamMuxer, encrypted: MessageStream) {
    this.tracker = tracker
    this.muxer = muxer
    this.encrypted = encrypted
  }

  received (bytes: number): void {
    this.tracker.memory.countBytes(bytes)
  }

  open (create: StreamMuxer['createStream'], options?: CreateStreamOptions): Promise<Stream> {
    // another listener of `connection:open` may open a stream before ours has
    // been called, which happens before any microtask
    return this.scope == null
      ? Promise.resolve().then(async () => this.tracker.openOutbound(this, create, options))
      : this.tracker.openOutbound(this, create, options)
  }
}

/**
 * Ends the streams of a muxer whose connection has closed. Muxers of libp2p do this themselves.
 * That of `@chainsafe/libp2p-quic` 2.1.1 forgets every other stream, because streams leave the
 * array while it iterates: they would stay open, and counted, for ever.
 */
function endStreamsWith (encrypted: MessageStream, muxer: StreamMuxer): void {
  if ('onTransportClosed' in muxer) {
    return
  }

  // the muxer replaces its array when it closes. Its own listener was there before this one.
  const { streams } = muxer

  encrypted.addEventListener('close', () => {
    for (const stream of [...streams]) {
      tryCall(stream, 'abort', new ConnectionClosedError('the connection has closed'))
    }
  })
}
