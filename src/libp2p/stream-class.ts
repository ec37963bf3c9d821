import { countIterated } from './iterated-bytes.ts'
import { liveStream } from './live-stream.ts'
import type { Stream } from '@libp2p/interface'

/**
 * Classes whose streams are followed have this, and so have their streams
 */
const FOLLOWED = Symbol('libp2p-resource-manager.followed')

/**
 * Makes all streams of the class of a stream tell who follows them when they are closed,
 * when they have not been able to send, and when they are iterated. Nothing changes for
 * those that nobody follows, such as those of nodes without a resource manager.
 *
 * It is done to the class, once, because methods of their own would make each stream an
 * object of another kind after it has been made. libp2p handles streams and connections
 * with the same code, which is compiled for a few kinds of objects and is slower for more.
 */
export function followClass (stream: Stream): void {
  if (FOLLOWED in stream) {
    return
  }

  const target = targetOf(stream)
  const { dispatchEvent, send, [Symbol.asyncIterator]: iterate } = target

  Object.defineProperty(target, FOLLOWED, { value: true })

  replace(target, 'dispatchEvent', function (this: Stream, event) {
    if (event.type === 'close') {
      const live = liveStream(this)

      live?.owner.closed(live)
    }

    return dispatchEvent.call(this, event)
  })

  replace(target, 'send', function (this: Stream, data) {
    const size = data.byteLength
    const canSendMore = send.call(this, data)

    if (this.writeBufferLength > 0) {
      liveStream(this)?.owner.left(size)
    }

    return canSendMore
  })

  replace(target, Symbol.asyncIterator, function (this: Stream) {
    const live = liveStream(this)
    const source = iterate.call(this)

    return live == null ? source : countIterated(live, source)
  })
}

function replace <K extends keyof Stream> (target: Stream, name: K, method: (this: Stream, ...args: Parameters<Extract<Stream[K], (...args: any[]) => unknown>>) => unknown): void {
  Object.defineProperty(target, name, { configurable: true, writable: true, value: method })
}

/**
 * The prototype that all streams of a class have. Streams that are no objects of a class, or
 * of one that must not be changed, have methods of their own.
 */
function targetOf (stream: Stream): Stream {
  const prototype = Object.getPrototypeOf(stream)
  const hasOwn = ['dispatchEvent', 'send', Symbol.asyncIterator].some(method => Object.hasOwn(stream, method))

  return hasOwn || prototype === Object.prototype || !Object.isExtensible(prototype) ? stream : prototype
}
