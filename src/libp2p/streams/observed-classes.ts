import { nextActivity } from '../../util/clock.ts'
import { countIterated } from '../buffers/iterated-bytes.ts'
import { liveConnection } from '../buffers/live-connection.ts'
import { hasWindow, liveStream } from '../buffers/live-stream.ts'
import type { LiveStream } from '../buffers/live-stream.ts'
import type { MessageStream, MultiaddrConnection, Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'

/**
 * Classes whose connections or streams are observed have these, and so have their objects.
 *
 * Methods are replaced once, in the class. Methods on each stream and connection would change
 * its hidden class after it was made. libp2p's code is compiled for up to four hidden classes
 * and is much slower for more. Nothing changes for objects that nobody observes, such as those
 * of nodes without a resource manager.
 */
const CONNECTIONS = Symbol('connection')
const STREAMS = Symbol('stream')

/** What is replaced */
const CONNECTION_METHODS = ['dispatchEvent']
const STREAM_METHODS = ['dispatchEvent', 'send', 'sendWindowUpdate', 'close', Symbol.asyncIterator]

/**
 * Makes all connections of the class of a raw connection report what they receive, and when
 * they are closed
 */
export function observeConnectionClass (connection: MultiaddrConnection): void {
  const target = targetOf(connection, CONNECTIONS, CONNECTION_METHODS)

  if (target == null) {
    return
  }

  const { dispatchEvent } = target

  replace(target, 'dispatchEvent', function (event) {
    const { type } = event

    if (type === 'message') {
      liveConnection(this)?.received(byteLengthOf(event))
    } else if (type === 'close') {
      liveConnection(this)?.closed((event as StreamCloseEvent).error == null)
    }

    return dispatchEvent.call(this, event)
  })
}

/**
 * Makes all streams of the class of a stream report when they are closed, when they cannot
 * send, when they are read, and before they let the remote send more
 */
export function observeStreamClass (stream: Stream): void {
  const target = targetOf(stream, STREAMS, STREAM_METHODS)

  if (target == null) {
    return
  }

  observeEvents(target)
  observeSending(target)
  observeClosing(target)

  if (hasWindow(target)) {
    const { sendWindowUpdate } = target

    replace(target, 'sendWindowUpdate', function () {
      if (liveStream(this)?.withholdsWindow() !== true) {
        sendWindowUpdate.call(this)
      }
    })
  }

  const { [Symbol.asyncIterator]: iterate } = target

  replace(target, Symbol.asyncIterator, function () {
    const live = liveStream(this)
    const source = iterate.call(this)

    return live == null ? source : countIterated(live, source)
  })
}

/**
 * What is received and read, the end, and each drain
 */
function observeEvents (target: Stream): void {
  const { dispatchEvent } = target

  replace(target, 'dispatchEvent', function (event) {
    const { type } = event

    if (type !== 'message' && type !== 'close' && type !== 'drain') {
      return dispatchEvent.call(this, event)
    }

    const live = liveStream(this)

    if (type === 'message') {
      live?.dispatched(byteLengthOf(event))
    } else if (type === 'close' && live != null) {
      explain(event, live)
      live.owner.closed(live)
    }

    const result = dispatchEvent.call(this, event)

    if (type === 'drain' && live != null) {
      forgetDrain(this)
    }

    return result
  })
}

/**
 * What could not be sent
 */
function observeSending (target: Stream): void {
  const { send } = target

  replace(target, 'send', function (data) {
    const size = data.byteLength
    let canSendMore: boolean

    try {
      canSendMore = send.call(this, data)
    } catch (err: any) {
      explain(err, liveStream(this))
      throw err
    }

    const live = liveStream(this)

    if (live !== undefined) {
      live.active = nextActivity()

      if (this.writeBufferLength > 0) {
        live.left(size)
      }
    }

    return canSendMore
  })
}

/**
 * What waits until everything is sent
 */
function observeClosing (target: Stream): void {
  const { close } = target

  replace(target, 'close', function (options) {
    // only what has to wait can be ended meanwhile
    return liveStream(this) == null || (this.writeBufferLength === 0 && !this.writableNeedsDrain)
      ? close.call(this, options)
      : closeOrEnd(this, async () => close.call(this, options))
  })
}

/**
 * Tells everybody who hears of the end of a stream, or fails because of it, that it was ended
 * for what it held
 */
function explain (told: Error | Event, live: LiveStream | undefined): void {
  if (live?.endedBy != null && told !== live.endedBy) {
    (told as { cause?: unknown }).cause ??= live.endedBy
  }
}

/**
 * `onDrain` of libp2p's streams waits for the first drain only, because its promise stays. So a
 * sender that waits for it would send everything at once from then on.
 */
function forgetDrain (stream: object): void {
  const draining = stream as { onDrainPromise?: unknown }

  if (draining.onDrainPromise != null) {
    draining.onDrainPromise = undefined
  }
}

/**
 * `close` of libp2p's streams waits for ever if the stream is aborted meanwhile. This makes it
 * resolve, as it does for a stream that was aborted before.
 */
async function closeOrEnd (stream: Stream, close: () => Promise<void>): Promise<void> {
  const ended = Promise.withResolvers<void>()
  const onEnd = (): void => { ended.resolve() }

  stream.addEventListener('close', onEnd)

  try {
    await Promise.race([close(), ended.promise])
  } finally {
    stream.removeEventListener('close', onEnd)
  }
}

export function replace <T extends object, K extends keyof T> (target: T, name: K, method: (this: T, ...args: Parameters<Extract<T[K], (...args: any[]) => unknown>>) => unknown): void {
  Object.defineProperty(target, name, { configurable: true, writable: true, value: method })
}

/**
 * The object whose methods are to be replaced, unless they are already: the prototype of the
 * class. An object without a class, or of a class that must not be changed, gets methods of its
 * own.
 */
function targetOf <T extends MessageStream> (object: T, observed: symbol, methods: PropertyKey[]): T | undefined {
  if (observed in object) {
    return
  }

  const prototype = Object.getPrototypeOf(object)
  const isOfClass = prototype !== Object.prototype && Object.isExtensible(prototype) && !methods.some(method => Object.hasOwn(object, method))

  return Object.defineProperty(isOfClass ? prototype : object, observed, { value: true })
}

/**
 * The length of what an event has, as a small integer: V8 has the lengths of lists as floating-point
 * numbers, and would keep each sum of them in an object of its own
 */
function byteLengthOf (event: Event): number {
  return (event as Partial<StreamMessageEvent>).data?.byteLength as number | 0
}
