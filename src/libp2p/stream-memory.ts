/**
 * The bytes in the buffers of streams and connections are reserved in their scopes.
 *
 * Streams do not tell when a buffer grows: what arrives while a stream is paused,
 * or before somebody listens, causes no event. So all buffers are looked at, and
 * what has changed since the last time is reserved or released:
 *
 * - as soon as `LOOK_AFTER_BYTES` (more where there are many streams and connections)
 * have been received on connections or left in write buffers since the last look,
 * whatever the line rate. Bytes are counted where a connection hands them to its
 * muxer, and where a stream leaves some of what it is sent in its write buffer.
 * - and every `LOOK_INTERVAL` while there are connections, for what those bytes do not
 * reach, and for what was released
 *
 * So there is never more than `LOOK_AFTER_BYTES` (512 bytes for each stream and 1 KiB for
 * each connection, where that is more) plus one chunk of a connection in buffers that is
 * not accounted for. Where these are single bytes in frames of their own, they weigh up to
 * 15 times as much until the look (yamux; 60 times with mplex): 1 MB (4 MB) for 64 KiB. A
 * muxer whose streams do not get their data from the connection (WebRTC: each has a channel
 * of its own) is only looked at by the interval: there it is as much as a line transfers in
 * that time, 3 MB at 100 Mbit/s.
 *
 * After a look buffers weigh no more than about two times what is reserved for them, see
 * `compact-list.ts`.
 *
 * A look takes 10 to 50 ns for every stream and 50 to 200 ns for every connection where
 * nothing has changed; a message costs one addition.
 * `bench/stream-memory.ts` measures it.
 *
 * What waits for a `for await` over a stream counts as well. What other listeners have taken
 * out of a stream is theirs and cannot be seen: `byteStream` of `@libp2p/utils` keeps up to
 * 4 MiB of it, in pieces as they have come.
 */

import { setBackgroundTimer } from '../background-timer.ts'
import { MEMORY_PRIORITY_MEDIUM } from '../scopes/memory-priority.ts'
import { PositionedList } from '../scopes/positioned-list.ts'
import { Refusal } from '../scopes/refusal.ts'
import type { BufferHolder } from './buffer-holder.ts'
import type { LiveConnection } from './live-connection.ts'
import type { LiveStream } from './live-stream.ts'
import type { DefaultResourceManager } from '../resource-manager.ts'
import type { RefusingNode } from '../scopes/refusal.ts'
import type { MessageStream, StreamMessageEvent, StreamMuxer } from '@libp2p/interface'

/**
 * A look at 100 streams takes less than 5 µs, and 64 KiB take a line of 1 Gbit/s 500 µs
 */
const LOOK_AFTER_BYTES = 2 ** 16

/**
 * Where there are more a look takes longer and is worth more bytes, so that the cost per
 * byte stays bounded: about 0.1 ms for 1 MiB, which takes 5 ms to receive
 */
const LOOK_AFTER_BYTES_PER_STREAM = 512
const LOOK_AFTER_BYTES_PER_CONNECTION = 1024

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

type Chunk = StreamMessageEvent['data']
type Streams = Iterable<LiveStream> & { readonly size: number }

/**
 * Keeps the reservations of streams and connections at what is in their buffers. Where it
 * does not fit, the one that holds most in the scope that is full is aborted, and the
 * others flow on.
 */
export class StreamMemory {
  readonly #manager: DefaultResourceManager
  readonly #streams: Streams

  /**
   * All connections that are accounted for and have a socket
   */
  readonly connections = new PositionedList<LiveConnection>()
  #uncounted = 0
  #lookQueued = false
  #timer?: ReturnType<typeof setTimeout>

  /**
   * @param manager
   * @param streams - All streams that are accounted for
   */
  constructor (manager: DefaultResourceManager, streams: Streams) {
    this.#manager = manager
    this.#streams = streams
  }

  addConnection (connection: LiveConnection): void {
    this.connections.add(connection)
    connection.onReceived = bytes => { this.countBytes(bytes) }
    this.start()
  }

  deleteConnection (connection: LiveConnection): void {
    this.connections.delete(connection)
  }

  /**
   * Counts what a muxer gets from its connection
   */
  watchMuxer (muxer: StreamMuxer, connection: MessageStream): void {
    const { onData } = muxer as { onData?(data: Chunk): void }

    if (typeof onData !== 'function') {
      // it is none of libp2p's own
      connection.addEventListener('message', ({ data }) => { this.countBytes(data.byteLength) })
      return
    }

    Object.assign(muxer, {
      onData: (data: Chunk): void => {
        this.countBytes(data.byteLength)
        onData.call(muxer, data)
      }
    })
  }

  /**
   * Brings all reservations up to date
   */
  look (): void {
    const grown: BufferHolder[] = []

    this.#uncounted = 0

    for (const live of this.#streams) {
      adjust(live, grown)
    }

    for (const connection of this.connections) {
      adjust(connection, grown)
    }

    // all that is free now is free before anything else is reserved
    if (grown.length > 0) {
      this.#reserve(grown)
    }
  }

  #reserve (grown: BufferHolder[]): void {
    let holders: LargestFirst | undefined

    for (const holder of grown) {
      // every round ends with room for it or with one less
      while (!holder.scope.closed) {
        const size = holder.measure()

        if (size <= holder.buffered) {
          break
        }

        const refusal = holder.scope.tryHoldMemory(size - holder.buffered, BUFFER_PRIORITY)

        if (refusal == null) {
          holder.buffered = size
          break
        }

        holders ??= new LargestFirst([...this.#streams, ...this.connections])
        this.#evict(holders.takeFrom(refusal.node) ?? holder, refusal)
      }
    }
  }

  /**
   * Makes one give up what it holds
   */
  #evict (holder: BufferHolder, { node, current, attempted, limit, priority }: Refusal): void {
    holder.abort(this.#manager.errorOf(new Refusal(holder.scope, node, 'memory', undefined, current, attempted, limit, priority)))

    if (holder.scope.closed) {
      return
    }

    const left = holder.measure()

    if (left > 0) {
      // the remote had reset it, and such a stream keeps what nobody has read
      holder.end()
    } else if (holder.buffered > 0) {
      shrink(holder, left)
    }
  }

  get #worthLooking (): number {
    return LOOK_AFTER_BYTES_PER_STREAM * this.#streams.size + LOOK_AFTER_BYTES_PER_CONNECTION * this.connections.size
  }

  /**
   * Counts bytes that may be in a buffer now, and has a look when they are many
   */
  countBytes (bytes: number): void {
    this.#uncounted += bytes

    if (this.#uncounted < LOOK_AFTER_BYTES || this.#uncounted < this.#worthLooking || this.#lookQueued) {
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

  /**
   * There is something to look at from now on
   */
  start (): void {
    if (this.#timer != null) {
      return
    }

    this.#timer = setBackgroundTimer(() => {
      this.#timer = undefined
      this.look()

      if (this.#streams.size > 0 || this.connections.size > 0) {
        this.start()
      }
    }, LOOK_INTERVAL)
  }
}

function adjust (holder: BufferHolder, grown: BufferHolder[]): void {
  const size = holder.measure()

  if (size > holder.buffered) {
    grown.push(holder)
  } else if (size < holder.buffered) {
    shrink(holder, size)
  }
}

function shrink (holder: BufferHolder, size: number): void {
  holder.scope.dropMemory(holder.buffered - size)
  holder.buffered = size
}

/**
 * Those that hold most first, sorted once for all that do not fit in one look
 */
class LargestFirst {
  readonly #sorted: BufferHolder[]

  /**
   * Where to go on for each scope that was full
   */
  readonly #positions = new Map<RefusingNode, number>()

  constructor (holders: BufferHolder[]) {
    const sizes = holders.map(holder => ({ holder, size: holder.measure() }))

    this.#sorted = sizes.filter(({ size }) => size > 0)
      .sort((a, b) => b.size - a.size)
      .map(({ holder }) => holder)
  }

  /**
   * The next one of those that are counted in a scope
   */
  takeFrom (node: RefusingNode): BufferHolder | undefined {
    let position = this.#positions.get(node) ?? 0

    while (position < this.#sorted.length && !holdsIn(this.#sorted[position], node)) {
      position++
    }

    this.#positions.set(node, position + 1)

    return this.#sorted[position]
  }
}

function holdsIn (holder: BufferHolder, node: RefusingNode): boolean {
  return !holder.scope.closed && (holder.scope.chain as readonly RefusingNode[]).includes(node) && holder.measure() > 0
}
