/**
 * The bytes in the read and write buffers of streams are reserved in their scopes.
 *
 * Streams do not tell when a buffer grows: what arrives while a stream is paused,
 * or before somebody listens, causes no event. So all buffers are looked at, and
 * what has changed since the last time is reserved or released:
 *
 * - as soon as `LOOK_AFTER_BYTES` (more where there are very many streams) have
 * been received on connections or left in write buffers since the last look,
 * whatever the line rate. Bytes are counted where a connection hands them to its
 * muxer, and where a stream leaves some of what it is sent in its write buffer.
 * - and every `LOOK_INTERVAL` while there are streams, for what those bytes do not
 * reach, and for what was released
 *
 * So there is never more than `LOOK_AFTER_BYTES` plus one chunk of a connection in
 * buffers that is not accounted for. A muxer whose streams do not get their data
 * from the connection (WebRTC: each has a channel of its own) is only looked at by
 * the interval: there it is as much as a line transfers in that time, 3 MB at
 * 100 Mbit/s.
 *
 * A look reads two lengths of every stream, less than 30 ns; a message costs one
 * addition. A stream costs one closure. `bench/stream-memory.ts` measures it.
 */

import { MEMORY_PRIORITY_MEDIUM } from '../scopes/memory-priority.ts'
import { Refusal } from '../scopes/refusal.ts'
import type { LiveStream } from './live-stream.ts'
import type { DefaultResourceManager } from '../resource-manager.ts'
import type { RefusingNode } from '../scopes/refusal.ts'
import type { MessageStream, Stream } from '@libp2p/interface'

/**
 * A look at a thousand streams takes less than 30 µs, and 1 MiB takes a line of 1 Gbit/s 8 ms
 */
const LOOK_AFTER_BYTES = 2 ** 20

/**
 * With more than 4096 streams a look takes longer and is worth more bytes, so that
 * the cost per byte stays bounded
 */
const LOOK_AFTER_BYTES_PER_STREAM = 256

/**
 * In ms: short enough for memory that is free again not to be missed, and rare
 * enough for an idle node not to notice
 */
const LOOK_INTERVAL = 250

/**
 * Buffers may fill about 60% of a memory limit. What remotes open may fill 80%, and so
 * streams that nobody reads cannot keep others from opening one.
 */
const BUFFER_PRIORITY = MEMORY_PRIORITY_MEDIUM

/**
 * Keeps the reservations of streams at what is in their buffers. Where it does not
 * fit, the stream that holds most in the scope that is full is aborted, and the
 * others flow on.
 */
export class StreamMemory {
  readonly #manager: DefaultResourceManager
  readonly #streams: Iterable<LiveStream> & { readonly size: number }
  readonly #end: (live: LiveStream) => void
  #uncounted = 0
  #lookQueued = false
  #timer?: ReturnType<typeof setTimeout>

  /**
   * @param manager
   * @param streams - All streams that are accounted for
   * @param end - Closes the scope of a stream that cannot be made to give up what
   * it holds
   */
  constructor (manager: DefaultResourceManager, streams: Iterable<LiveStream> & { readonly size: number }, end: (live: LiveStream) => void) {
    this.#manager = manager
    this.#streams = streams
    this.#end = end
  }

  /**
   * Counts what a muxer gets from its connection
   */
  watchConnection (connection: MessageStream): void {
    const dispatchEvent: (event: any) => boolean = connection.dispatchEvent.bind(connection)

    connection.dispatchEvent = (event: any) => {
      if (event.type === 'message') {
        this.#countBytes(event.data?.byteLength ?? 0)
      }

      return dispatchEvent(event)
    }
  }

  /**
   * Counts what a stream cannot send at once
   */
  watchStream (stream: Stream): void {
    const send = stream.send.bind(stream)

    stream.send = (data) => {
      const size = data.byteLength
      const canSendMore = send(data)

      if (stream.writeBufferLength > 0) {
        this.#countBytes(size)
      }

      return canSendMore
    }

    this.#startTimer()
  }

  /**
   * Brings all reservations up to date
   */
  look (): void {
    const grown: LiveStream[] = []

    this.#uncounted = 0

    for (const live of this.#streams) {
      const size = bufferedIn(live.stream)

      if (size > live.buffered) {
        grown.push(live)
      } else if (size < live.buffered) {
        shrink(live, size)
      }
    }

    // all that is free now is free before anything else is reserved
    if (grown.length > 0) {
      this.#reserve(grown)
    }
  }

  #reserve (grown: LiveStream[]): void {
    let holders: LargestFirst | undefined

    for (const live of grown) {
      // every round ends with room for the stream or with one stream less
      while (!live.scope.closed) {
        const size = bufferedIn(live.stream)

        if (size <= live.buffered) {
          break
        }

        const refusal = live.scope.tryHoldMemory(size - live.buffered, BUFFER_PRIORITY)

        if (refusal == null) {
          live.buffered = size
          break
        }

        holders ??= new LargestFirst(this.#streams)
        this.#evict(holders.takeFrom(refusal.node) ?? live, refusal)
      }
    }
  }

  /**
   * Makes a stream give up what it holds
   */
  #evict (live: LiveStream, { node, current, attempted, limit, priority }: Refusal): void {
    live.stream.abort(this.#manager.errorOf(new Refusal(live.scope, node, 'memory', undefined, current, attempted, limit, priority)))

    const left = bufferedIn(live.stream)

    if (left > 0) {
      // the remote had reset it, and such a stream keeps what nobody has read
      this.#end(live)
    } else if (live.buffered > 0) {
      shrink(live, left)
    }
  }

  #countBytes (bytes: number): void {
    this.#uncounted += bytes

    if (this.#uncounted < LOOK_AFTER_BYTES || this.#uncounted < LOOK_AFTER_BYTES_PER_STREAM * this.#streams.size || this.#lookQueued) {
      return
    }

    // not at once: whoever is sending must be able to wait for the stream to drain
    // before it is aborted, because nothing would wake them up afterwards
    this.#lookQueued = true
    queueMicrotask(() => {
      this.#lookQueued = false
      this.look()
    })
  }

  #startTimer (): void {
    if (this.#timer != null) {
      return
    }

    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.look()

      if (this.#streams.size > 0) {
        this.#startTimer()
      }
    }, LOOK_INTERVAL)

    // a browser answers with a number
    if (typeof this.#timer === 'object') {
      this.#timer.unref()
    }
  }
}

function bufferedIn (stream: Stream): number {
  return stream.readBufferLength + stream.writeBufferLength
}

function shrink (live: LiveStream, size: number): void {
  live.scope.dropMemory(live.buffered - size)
  live.buffered = size
}

/**
 * Streams, those that hold most first, sorted once for all that do not fit in one
 * look
 */
class LargestFirst {
  readonly #sorted: LiveStream[]

  /**
   * Where to go on for each scope that was full
   */
  readonly #positions = new Map<RefusingNode, number>()

  constructor (streams: Iterable<LiveStream>) {
    const sizes = Array.from(streams, live => ({ live, size: bufferedIn(live.stream) }))

    this.#sorted = sizes.filter(({ size }) => size > 0)
      .sort((a, b) => b.size - a.size)
      .map(({ live }) => live)
  }

  /**
   * The next one of those that are counted in a scope
   */
  takeFrom (node: RefusingNode): LiveStream | undefined {
    let position = this.#positions.get(node) ?? 0

    while (position < this.#sorted.length && !holdsIn(this.#sorted[position], node)) {
      position++
    }

    this.#positions.set(node, position + 1)

    return this.#sorted[position]
  }
}

function holdsIn ({ stream, scope }: LiveStream, node: RefusingNode): boolean {
  return !scope.closed && bufferedIn(stream) > 0 && (scope.chain as readonly RefusingNode[]).includes(node)
}
