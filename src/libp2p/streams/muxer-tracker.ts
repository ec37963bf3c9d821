import { ConnectionClosedError } from '@libp2p/interface'
import { liveConnection } from '../buffers/live-connection.ts'
import { refuseTextInHandshakes, refuseTextOfInbound, refuseTextOfOutbound } from '../connections/data-channels.ts'
import type { MuxedConnection, StreamTracker } from './stream-tracker.ts'
import type { LiveConnection } from '../buffers/live-connection.ts'
import type { Connection, CreateStreamOptions, MessageStream, Stream, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'

type StreamListener = (event: CustomEvent<Stream>) => void

/**
 * Stands between muxers and connections, so that no stream of either direction
 * gets past without being accounted for
 */
export class MuxerTracker {
  readonly #tracker: StreamTracker

  /**
   * The array of streams is the one thing that a muxer and its connection have in
   * common
   */
  readonly #connections = new WeakMap<Stream[], MuxedConnection>()

  constructor (tracker: StreamTracker) {
    this.#tracker = tracker
  }

  /**
   * A factory whose muxers are guarded. The original is left as it is, it may be
   * shared with other nodes.
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

        this.#tracker.memory.watchMuxer(muxer, maConn)

        return this.#track(muxer, maConn)
      }
    }
  }

  /**
   * A connection is open: its muxer may have streams from now on
   */
  connectionOpened (connection: Connection): void {
    const live = liveConnection(connection)
    const muxed = this.#connections.get(connection.streams)

    if (live != null) {
      live.opened = connection
    }

    if (muxed != null) {
      muxed.scope = live?.scope
    }

    if (muxed != null && live != null) {
      live.upgraded(muxed.encrypted, muxed.muxer)
    }
  }

  #track (muxer: StreamMuxer, encrypted: MessageStream): StreamMuxer {
    const muxed: MuxedConnection = { encrypted, muxer }

    this.#connections.set(muxer.streams, muxed)
    endStreamsWith(encrypted, muxer)
    refuseTextOfInbound(muxer)
    this.#trackInbound(muxer, muxed)
    this.#trackOutbound(muxer, muxed)

    return muxer
  }

  /**
   * Wraps the listeners that others add. A listener of our own would make the
   * muxer deliver its early streams before the connection listens.
   */
  #trackInbound (muxer: StreamMuxer, muxed: MuxedConnection): void {
    const addEventListener: any = muxer.addEventListener.bind(muxer)
    const removeEventListener: any = muxer.removeEventListener.bind(muxer)
    const wrapped = new WeakMap<object, StreamListener>()

    muxer.addEventListener = (type: string, listener: any, options?: any) => {
      if (type !== 'stream' || listener == null) {
        addEventListener(type, listener, options)
        return
      }

      let wrapper = wrapped.get(listener)

      if (wrapper == null) {
        wrapper = (event) => {
          if (!this.#tracker.admitInbound(event.detail, muxed)) {
            return
          }

          if (typeof listener === 'function') {
            listener.call(muxer, event)
          } else {
            listener.handleEvent(event)
          }
        }
        wrapped.set(listener, wrapper)
      }

      addEventListener(type, wrapper, options)
    }

    muxer.removeEventListener = (type: string, listener?: any, options?: any) => {
      removeEventListener(type, type === 'stream' ? wrapped.get(listener) ?? listener : listener, options)
    }
  }

  #trackOutbound (muxer: StreamMuxer, muxed: MuxedConnection): void {
    const createStream = muxer.createStream.bind(muxer)

    muxer.createStream = async (options?: CreateStreamOptions) => {
      if (muxed.scope == null) {
        // another listener of `connection:open` may open a stream before ours has
        // been called, which happens before any microtask
        await Promise.resolve()
      }

      return this.#tracker.openOutbound(async () => createOn(muxed, async () => createStream(options)), muxed)
    }
  }
}

/**
 * What a muxer must do itself when its connection has closed. Those of libp2p do. That of
 * `@chainsafe/libp2p-quic` 2.1.1 forgets every other stream, because they leave the array
 * that it goes through: they would be open, and counted, for ever.
 */
function endStreamsWith (encrypted: MessageStream, muxer: StreamMuxer): void {
  if ('onTransportClosed' in muxer) {
    return
  }

  // the muxer replaces its array when it closes. Its own listener was there before this one.
  const { streams } = muxer

  encrypted.addEventListener('close', () => {
    for (const stream of [...streams]) {
      stream.abort(new ConnectionClosedError('the connection has closed'))
    }
  })
}

/**
 * While it is opened, its connection must not be closed: see `LiveConnection`
 */
async function createOn (muxed: MuxedConnection, create: () => Promise<Stream>): Promise<Stream> {
  const live = muxed.scope?.holder as LiveConnection | undefined

  if (live != null) {
    live.opening++
  }

  try {
    const stream = await create()

    refuseTextOfOutbound(stream)

    return stream
  } finally {
    if (live != null) {
      live.opening--
    }
  }
}
