import { replace } from './observed-classes.ts'
import type { MuxedConnection, StreamTracker } from './stream-tracker.ts'
import type { CreateStreamOptions, MessageStream, Stream, StreamMessageEvent, StreamMuxer } from '@libp2p/interface'

type Chunk = StreamMessageEvent['data']

/**
 * What is told of what a muxer does, and has a say in it
 */
export interface MuxerObserver extends MuxedConnection {
  /** Who says whether a stream that the remote has opened may go on */
  readonly tracker: Pick<StreamTracker, 'admitInbound'>

  /** What it gets from its connection, in bytes */
  received(bytes: number): void

  /**
   * Opens a stream
   *
   * @param create - the method of the muxer that does it
   * @param options - what it is to be called with
   */
  open(create: StreamMuxer['createStream'], options?: CreateStreamOptions): Promise<Stream>
}

/**
 * Whoever observes a muxer. Two copies of this package change the same classes, and each only
 * knows its own.
 */
const OBSERVER = Symbol('observer')

/**
 * The part of libp2p's own muxers that this relies on. They all extend `AbstractStreamMuxer`
 * and report streams by events that they dispatch themselves.
 */
interface AbstractMuxer extends StreamMuxer {
  onRemoteStream(stream: Stream): void
  onData(data: Chunk): void
  [OBSERVER]?: MuxerObserver
}

/**
 * Methods that a muxer must have from its class: with its own, it may report streams in another
 * way. The first three are replaced once, in the class: methods, closures and bound functions
 * for each muxer would be a kilobyte for each connection.
 */
const METHODS = ['createStream', 'dispatchEvent', 'onData', 'addEventListener', 'onRemoteStream'] as const

/** A class whose methods are replaced has this property. Others may replace them once more. */
const OBSERVED = Symbol('muxers')

/**
 * Observes a muxer through its class
 *
 * @returns Whether it could be done. Otherwise the muxer has to be wrapped: libp2p did not make
 * it, somebody else has wrapped it, or it is observed already.
 */
export function observeMuxer (muxer: StreamMuxer, observer: MuxerObserver): boolean {
  if (!isAbstractMuxer(muxer) || OBSERVER in muxer || !observeMuxerClass(muxer)) {
    return false
  }

  // others that list what is in a muxer need not see it
  Object.defineProperty(muxer, OBSERVER, { value: observer })

  return true
}

function isAbstractMuxer (muxer: StreamMuxer): muxer is AbstractMuxer {
  return muxer instanceof EventTarget && Object.isExtensible(muxer) &&
    METHODS.every(method => typeof (muxer as Partial<AbstractMuxer>)[method] === 'function' && !Object.hasOwn(muxer, method))
}

function observeMuxerClass (muxer: AbstractMuxer): boolean {
  const target: AbstractMuxer = Object.getPrototypeOf(muxer)

  // a class that extends an observed one may have methods of its own, which call those or do not
  if (OBSERVED in target || !Object.isExtensible(target) || METHODS.some(method => Object.getOwnPropertyDescriptor(target, method)?.configurable === false)) {
    return Object.hasOwn(target, OBSERVED)
  }

  const { createStream, dispatchEvent, onData } = target

  // a class that extends this one may have been observed before it, and calls its methods
  const observerOf = (muxer: AbstractMuxer): MuxerObserver | undefined => Object.getPrototypeOf(muxer) === target ? muxer[OBSERVER] : undefined

  replace(target, 'onData', function (data) {
    observerOf(this)?.received(data.byteLength)
    onData.call(this, data)
  })

  // a listener of our own would make the muxer deliver its early streams before the connection
  // listens
  replace(target, 'dispatchEvent', function (event) {
    const observer = event.type === 'stream' ? observerOf(this) : undefined

    // one that was refused never reaches the connection
    return observer !== undefined && !observer.tracker.admitInbound((event as CustomEvent<Stream>).detail, observer) ? true : dispatchEvent.call(this, event)
  })

  replace(target, 'createStream', function (options?: CreateStreamOptions) {
    const observer = observerOf(this)

    return observer === undefined ? createStream.call(this, options) : observer.open(createStream, options)
  })

  Object.defineProperty(target, OBSERVED, { value: true })

  return true
}

/**
 * Observes a muxer by methods of its own
 *
 * @param muxer
 * @param connection - what it gets its data from
 * @param observer
 */
export function wrapMuxer (muxer: StreamMuxer, connection: MessageStream, observer: MuxerObserver): void {
  const { onData } = muxer as Partial<AbstractMuxer>

  if (typeof onData === 'function') {
    Object.assign(muxer, {
      onData: (data: Chunk): void => {
        observer.received(data.byteLength)
        onData.call(muxer, data)
      }
    })
  } else {
    connection.addEventListener('message', ({ data }) => { observer.received(data.byteLength) })
  }

  wrapListeners(muxer, observer)

  const { createStream } = muxer

  // a class may have one that cannot be assigned to
  replace(muxer, 'createStream', async (options?: CreateStreamOptions) => observer.open(createStream, options))
}

type StreamListener = (event: CustomEvent<Stream>) => void

/**
 * Wraps the listeners that others add: it may dispatch its events wherever it likes
 */
function wrapListeners (muxer: StreamMuxer, observer: MuxerObserver): void {
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
        if (!observer.tracker.admitInbound(event.detail, observer)) {
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
