/**
 * The bytes in the buffers of streams and connections, counted in all their scopes.
 *
 * In: every stream and connection of the node, and how many bytes each has received or left
 * in a write buffer.
 *
 * Out: memory in the scopes of each, which grows and shrinks with its buffers; and the end
 * of those that must give way. The bytes are there already, so nothing is refused because of
 * them, and no transfer that moves is ended while there is room. Something is ended only where
 *
 * - memory is really short: the *system* would hold more than its limit, or more unread bytes
 * than `UNREAD_PRIORITY` allows, or a request does not fit because of buffers.
 * `buffer-ranking.ts` says who gives way.
 * - or it holds more than the limit of one of its other scopes *and* stands still
 * (`standing-still.ts`, `buffer-progress.ts`).
 *
 * Fails: nothing here throws. A stream or connection that is closed in the meantime is
 * left out.
 *
 * Costs: 10 to 50 ns for every stream and 50 to 200 ns for every connection that has not
 * changed, each time they are measured; and one addition for each message.
 * `bench/stream-memory.ts` measures it.
 *
 * When buffers are measured:
 *
 * Streams do not tell when a buffer grows: what arrives while a stream is paused, or before
 * somebody listens, causes no event. So all buffers are measured, and what has changed since
 * the last time is counted:
 *
 * - as soon as `MEASURE_AFTER_BYTES` (more where there are many streams and connections) have
 * been received on connections or left in write buffers since the last time, whatever the line
 * rate. Bytes are counted where a connection hands them to its muxer, and where a stream leaves
 * some of what it is sent in its write buffer. This is done in one piece: it bounds the memory.
 * - and every `MEASURE_INTERVAL` while there are connections, for what those bytes do not reach,
 * and for what was released. This lets others have the event loop after each millisecond, and
 * counts at its end.
 *
 * So the buffers that are not accounted for never hold more than `MEASURE_AFTER_BYTES` (512 bytes
 * for each stream and 1 KiB for each connection, where that is more) plus one chunk of a
 * connection. Single bytes in frames of their own take up to 15 times as much until they are
 * measured (yamux; 60 times with mplex): 1 MB (4 MB) for 64 KiB. A muxer whose streams do not
 * get their data from the connection (WebRTC: each has a channel of its own) is measured by the
 * interval only: there it is as much as a line transfers in that time, 3 MB at 100 Mbit/s.
 *
 * Once measured, buffers take no more than about two times what is reserved for them, see
 * `compact-list.ts`.
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
 * Measuring 100 streams takes less than 5 µs. A line of 1 Gbit/s takes 500 µs for 64 KiB.
 */
const MEASURE_AFTER_BYTES = 2 ** 16

/**
 * Where there are more, measuring takes longer and waits for more bytes, so that the cost per
 * byte stays bounded: about 0.1 ms for 1 MiB, which takes 5 ms to receive
 */
const MEASURE_AFTER_BYTES_PER_STREAM = 512
const MEASURE_AFTER_BYTES_PER_CONNECTION = 1024

/**
 * In ms: short enough for memory that is free again not to be missed, and rare
 * enough for an idle node not to notice
 */
const MEASURE_INTERVAL = 250

type Streams = Pick<PositionedList<LiveStream>, 'at' | 'size' | typeof Symbol.iterator>

/**
 * Measures the buffers of streams and connections, and counts what is in them
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
   * Streams whose remotes have been told to wait since the last measurement
   */
  #withheld: LiveStream[] = []

  /** How often everything was measured in one piece */
  #measurements = 0

  #uncounted = 0
  #measureQueued = false

  /**
   * Set until the measurement that it begins is over
   */
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
  measure (): void {
    this.#measurements++

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
  * #measureInSlices (slice: Slice): Generator<undefined, void, undefined> {
    try {
      // some may be measured twice, see `at`
      const streams = new Set<LiveStream>()
      const connections = new Set<LiveConnection>()
      const measurements = this.#measurements

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

      // if everything was measured in one piece meanwhile, all of this is counted already, and more
      if (measurements === this.#measurements) {
        this.#count(streams, connections)
      }

      this.eviction.relieveProcess()
      this.#standingStill.measured(streams, connections, MEASURE_INTERVAL)
    } finally {
      // also after an error, or nothing would be measured any more
      this.#timer = undefined

      if (this.#streams.size > 0 || this.connections.size > 0) {
        this.start()
      }
    }
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
   * The remote of a stream has to wait. The next measurement asks whether it still has to.
   */
  askAgain (stream: LiveStream): void {
    this.#withheld.push(stream)
  }

  get #worthMeasuring (): number {
    return MEASURE_AFTER_BYTES_PER_STREAM * this.#streams.size + MEASURE_AFTER_BYTES_PER_CONNECTION * this.connections.size
  }

  /**
   * Counts bytes that may be in a buffer now, and measures the buffers when they are many
   */
  countBytes (bytes: number): void {
    this.#uncounted += bytes

    if (this.#uncounted < MEASURE_AFTER_BYTES || this.#uncounted < this.#worthMeasuring || this.#measureQueued) {
      return
    }

    // not at once: whoever is sending must be able to wait for the stream to drain
    // before it is aborted, because nothing would wake them up afterwards
    this.#measureQueued = true
    queueMicrotask(() => {
      this.#measureQueued = false
      this.measure()
    })
  }

  /**
   * There is something to measure from now on
   */
  start (): void {
    this.#timer ??= setBackgroundTimer(() => {
      runInSlices(slice => this.#measureInSlices(slice), () => {}, setBackgroundTimer)
    }, MEASURE_INTERVAL)
  }
}
