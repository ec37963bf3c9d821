/**
 * The bytes in the buffers of streams and connections are counted in all their scopes. They
 * are there already, so nothing is refused because of them, and no transfer is ended that
 * moves while there is room. Something is ended only where
 *
 * - memory is really short: all that is counted in the *system* would be more than its
 * limit, what nobody has read more than `UNREAD_PRIORITY` allows, or what is asked for does
 * not fit because of buffers. `buffer-ranking.ts` says who gives way.
 * - or it holds more than the limit of one of its other scopes *and* stands still
 * (`buffer-progress.ts`).
 *
 * Streams do not tell when a buffer grows: what arrives while a stream is paused,
 * or before somebody listens, causes no event. So all buffers are looked at, and
 * what has changed since the last time is counted:
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
 * not accounted for. Where these are single bytes in frames of their own, they take up to
 * 15 times as much until the look (yamux; 60 times with mplex): 1 MB (4 MB) for 64 KiB. A
 * muxer whose streams do not get their data from the connection (WebRTC: each has a channel
 * of its own) is only looked at by the interval: there it is as much as a line transfers in
 * that time, 3 MB at 100 Mbit/s.
 *
 * After a look buffers take no more than about two times what is reserved for them, see
 * `compact-list.ts`.
 *
 * A look takes 10 to 50 ns for every stream and 50 to 200 ns for every connection where
 * nothing has changed; a message costs one addition. Those of the interval let others have the
 * event loop after each millisecond, and what they have measured is counted at their end. Those
 * because of bytes are in one piece: they bound the memory.
 * `bench/stream-memory.ts` measures it.
 *
 * What waits for a `for await` over a stream counts as well. What other listeners have taken
 * out of a stream is theirs and cannot be seen: `byteStream` of `@libp2p/utils` keeps up to
 * 4 MiB of it, in pieces as they have come.
 */

import { PositionedList } from '../../util/positioned-list.ts'
import { runInSlices } from '../../util/slices.ts'
import { setBackgroundTimer } from '../../util/timers.ts'
import { BufferEviction } from './buffer-eviction.ts'
import { StandingStill } from './standing-still.ts'
import type { BufferEvictionInit } from './buffer-eviction.ts'
import type { BufferHolder } from './buffer-holder.ts'
import type { LiveConnection } from './live-connection.ts'
import type { LiveStream } from './live-stream.ts'
import type { Core } from '../../manager/core.ts'
import type { Slice } from '../../util/slices.ts'

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

type Streams = Pick<PositionedList<LiveStream>, 'at' | 'size' | typeof Symbol.iterator>

/**
 * Looks at what is in the buffers of streams and connections
 */
export class StreamMemory {
  readonly #streams: Streams
  readonly #standingStill: StandingStill
  readonly eviction: BufferEviction

  /**
   * All connections that are accounted for and have a socket
   */
  readonly connections = new PositionedList<LiveConnection>()

  /**
   * Streams whose remotes have been told to wait since they were asked the last time
   */
  #withheld: LiveStream[] = []

  /** How often everything was looked at in one piece */
  #looks = 0

  #uncounted = 0
  #lookQueued = false
  #looking = false
  #timer?: ReturnType<typeof setTimeout>

  /**
   * @param manager
   * @param streams - All streams that are accounted for
   * @param init
   */
  constructor (manager: Core, streams: Streams, init: Pick<BufferEvictionInit, 'pressures'> = {}) {
    this.#streams = streams
    this.eviction = new BufferEviction(manager, {
      pressures: init.pressures,
      now: () => this.#standingStill.now,
      holders: () => [...streams, ...this.connections]
    })
    this.#standingStill = new StandingStill((holder, refusal) => this.eviction.end(holder, refusal))
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
   * Brings what is counted up to date, in one piece: what bounds the memory of buffers has to
   * be over before more is received
   */
  look (): void {
    this.#looks++

    const streams: LiveStream[] = []
    const connections: LiveConnection[] = []

    this.#uncounted = 0

    // most are empty, and nothing is counted of them. There is a loop for each class because the
    // engine compiles `measure` into it then.
    for (const stream of this.#streams) {
      if (stream.counted + stream.measure() > 0) {
        streams.push(stream)
      }
    }

    for (const connection of this.connections) {
      if (connection.counted + connection.measure() > 0) {
        connections.push(connection)
      }
    }

    this.#count(streams, connections)
  }

  /**
   * The same, and whether anything stands still. Nothing waits for it, so it lets others have
   * the event loop where there are very many.
   */
  * #lookInSlices (slice: Slice): Generator<undefined, void, undefined> {
    // some may be looked at twice, see `at`
    const streams = new Set<LiveStream>()
    const connections = new Set<LiveConnection>()
    const looks = this.#looks

    this.#uncounted = 0

    for (let i = this.#streams.size - 1; i >= 0; i--) {
      const stream = this.#streams.at(i)

      if (stream !== undefined && (stream.counted + stream.measure() > 0 || stream.progress !== undefined)) {
        streams.add(stream)
      }

      if (slice.over) {
        yield
      }
    }

    for (let i = this.connections.size - 1; i >= 0; i--) {
      const connection = this.connections.at(i)

      if (connection !== undefined && (connection.counted + connection.measure() > 0 || connection.progress !== undefined)) {
        connections.add(connection)
      }

      if (slice.over) {
        yield
      }
    }

    // a look in the meantime has counted all, also what had been measured here, and knows of more
    if (looks === this.#looks) {
      this.#count(streams, connections)
    }

    this.eviction.relieveProcess()
    this.#standingStill.look(streams, connections, LOOK_INTERVAL)
  }

  /**
   * Counts what has just been measured
   */
  #count (streams: Iterable<LiveStream>, connections: Iterable<LiveConnection>): void {
    const { eviction } = this
    const grown: BufferHolder[] = []

    eviction.restart()

    for (const stream of streams) {
      if (!stream.scope.closed) {
        eviction.measured(stream, grown)
      }
    }

    for (const connection of connections) {
      if (!connection.scope.closed) {
        eviction.measured(connection, grown)
      }
    }

    // all that is free now is free before anything else is counted
    eviction.fit(grown)

    // those that wait may have been read, or memory be less short
    const withheld = this.#withheld

    if (withheld.length > 0) {
      this.#withheld = []
      withheld.forEach(stream => { stream.askAgain() })
    }
  }

  /**
   * The remote of a stream has to wait. The next look asks whether it still has to.
   */
  askAgain (stream: LiveStream): void {
    this.#withheld.push(stream)
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
    if (this.#timer !== undefined || this.#looking) {
      return
    }

    this.#timer = setBackgroundTimer(() => {
      this.#timer = undefined
      this.#looking = true

      runInSlices(slice => this.#lookInSlices(slice), () => {
        this.#looking = false

        if (this.#streams.size > 0 || this.connections.size > 0) {
          this.start()
        }
      }, setBackgroundTimer)
    }, LOOK_INTERVAL)
  }
}
