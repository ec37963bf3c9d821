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
import { MEMORY_PRIORITY_ALWAYS, MEMORY_PRIORITY_MEDIUM, memoryThreshold } from '../scopes/memory-priority.ts'
import { PositionedList } from '../scopes/positioned-list.ts'
import { findMemoryShortage, Refusal } from '../scopes/refusal.ts'
import { BufferRanking } from './buffer-ranking.ts'
import { StandingStill } from './standing-still.ts'
import type { BufferHolder } from './buffer-holder.ts'
import type { LiveConnection } from './live-connection.ts'
import type { LiveStream } from './live-stream.ts'
import type { DefaultResourceManager } from '../resource-manager.ts'
import type { AggregateNode } from '../scopes/aggregate-node.ts'
import type { OwnedNode } from '../scopes/owned-node.ts'
import type { RoomMaker } from '../scopes/room-maker.ts'
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
 * What remotes have sent and nobody has read may fill about 60% of the memory of the system.
 * The rest of the memory is for what this node does itself. What it has queued for remotes
 * may fill all that is left, because nobody but this node decides about that: it gives way
 * to whatever else is asked for.
 */
const UNREAD_PRIORITY = MEMORY_PRIORITY_MEDIUM

type Chunk = StreamMessageEvent['data']
type Streams = Iterable<LiveStream> & { readonly size: number }

/**
 * Counts what is in the buffers of streams and connections, and ends some of them where
 * there is too much
 */
export class StreamMemory implements RoomMaker {
  readonly #manager: DefaultResourceManager
  readonly #streams: Streams
  readonly #now: () => number
  readonly #standingStill: StandingStill

  /**
   * All connections that are accounted for and have a socket
   */
  readonly connections = new PositionedList<LiveConnection>()

  /**
   * What is counted and was not read, in bytes, by the system that it is counted in
   */
  readonly #unread = new Map<AggregateNode, number>()
  #uncounted = 0
  #lookQueued = false
  #timer?: ReturnType<typeof setTimeout>

  /**
   * @param manager
   * @param streams - All streams that are accounted for
   * @param now
   */
  constructor (manager: DefaultResourceManager, streams: Streams, now: () => number = Date.now) {
    this.#manager = manager
    this.#streams = streams
    this.#now = now
    this.#standingStill = new StandingStill((holder, refusal) => this.#refuse(holder, refusal))
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
   * Brings what is counted up to date
   */
  look (): void {
    const grown: BufferHolder[] = []

    this.#uncounted = 0
    this.#unread.clear()

    for (const stream of this.#streams) {
      this.#measure(stream, grown)
    }

    for (const connection of this.connections) {
      this.#measure(connection, grown)
    }

    // all that is free now is free before anything else is counted
    if (grown.length > 0) {
      this.#countGrown(grown)
    }
  }

  /**
   * Buffers give way to what does not fit into the system because of them
   */
  makeRoom (refusal: Refusal, newcomer: AggregateNode | OwnedNode): boolean {
    const { graph } = this.#manager.metricsSource
    const pair = [graph.normal, graph.allowlisted].find(({ system }) => system === refusal.node)

    if (!graph.enforce || refusal.resource !== 'memory' || pair == null) {
      return false
    }

    // reservations that must leave more room than buffers do not get it from buffers either
    if (refusal.limit < memoryThreshold(pair.system.limit.memory, UNREAD_PRIORITY)) {
      return false
    }

    // what would not fit without any buffer ends none
    if (refusal.current + refusal.attempted - this.#buffersIn(pair.system) > refusal.limit) {
      return false
    }

    const holder = this.#rank(pair.system, 'size', newcomer).take()

    return holder != null && this.#refuse(holder, refusal)
  }

  #measure (holder: BufferHolder, grown: BufferHolder[]): void {
    const size = holder.measure()

    if (size > holder.scope.buffers) {
      grown.push(holder)
    } else if (size < holder.scope.buffers || holder.unread !== holder.countedUnread) {
      this.#count(holder)
    }

    if (holder.countedUnread > 0) {
      this.#addUnread(holder, holder.countedUnread)
    }
  }

  #countGrown (grown: BufferHolder[]): void {
    const rankings = new Map<string, BufferRanking>()

    for (const holder of grown) {
      // every round ends with room for it or with one less
      while (!holder.scope.closed) {
        holder.measure()

        const shortage = this.#findShortage(holder)

        if (shortage == null) {
          this.#addUnread(holder, holder.unread - holder.countedUnread)
          this.#count(holder)
          break
        }

        const { system } = holder.scope.pair
        const part = shortage.priority === UNREAD_PRIORITY ? 'unread' : 'size'
        let ranking = rankings.get(system.kind + part)

        if (ranking == null) {
          ranking = this.#rank(system, part)
          rankings.set(system.kind + part, ranking)
        }

        const giving = ranking.take() ?? holder

        if (!this.#refuse(giving, shortage)) {
          // limits are not enforced
          this.#count(holder)
          break
        }
      }
    }
  }

  /**
   * Why what a holder has more than before does not fit, if so
   */
  #findShortage (holder: BufferHolder): Refusal | undefined {
    const { scope } = holder
    const { system } = scope.pair
    const growth = holder.size - scope.buffers
    const unreadGrowth = holder.unread - holder.countedUnread

    if (unreadGrowth > 0) {
      const unread = this.#unread.get(system) ?? 0
      const threshold = memoryThreshold(system.limit.memory, UNREAD_PRIORITY)

      if (unread + unreadGrowth > threshold) {
        return new Refusal(scope, system, 'memory', undefined, unread, unreadGrowth, threshold, UNREAD_PRIORITY)
      }
    }

    return growth > 0 ? findMemoryShortage(scope, system, growth, MEMORY_PRIORITY_ALWAYS) : undefined
  }

  /**
   * All that is counted in a system, in bytes
   */
  #buffersIn (system: AggregateNode): number {
    let bytes = 0

    for (const { scope } of [...this.#streams, ...this.connections]) {
      bytes += scope.pair.system === system ? scope.buffers : 0
    }

    return bytes
  }

  #rank (system: AggregateNode, part: 'size' | 'unread', newcomer?: AggregateNode | OwnedNode): BufferRanking {
    return new BufferRanking([...this.#streams, ...this.connections], {
      system,
      part,
      except: newcomer == null ? undefined : ownerOf(newcomer),
      now: this.#now(),
      hostOf: ({ connectionScope: { endpoint } }) => endpoint == null ? undefined : this.#manager.hostOf(endpoint)
    })
  }

  /**
   * Counts and reports that something does not fit, and ends a holder for it
   *
   * @returns Whether it was ended: not where limits are not enforced
   */
  #refuse (holder: BufferHolder, { node, resource, current, attempted, limit, priority }: Refusal): boolean {
    const { scope } = holder
    const refusal = this.#manager.refuse(new Refusal(scope, node, resource, undefined, current, attempted, limit, priority))

    if (refusal == null) {
      return false
    }

    holder.abort(this.#manager.errorOf(refusal))

    if (!scope.closed) {
      const before = holder.countedUnread

      if (holder.measure() > 0) {
        // the remote had reset it, and such a stream keeps what nobody has read
        holder.end()
      } else {
        this.#count(holder)
      }

      this.#addUnread(holder, -before)
    } else {
      this.#addUnread(holder, -holder.countedUnread)
    }

    return true
  }

  /**
   * Counts what was measured last
   */
  #count (holder: BufferHolder): void {
    holder.scope.addBuffers(holder.size - holder.scope.buffers)
    holder.countedUnread = holder.unread
  }

  #addUnread ({ scope }: BufferHolder, bytes: number): void {
    const { system } = scope.pair

    this.#unread.set(system, (this.#unread.get(system) ?? 0) + bytes)
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
      this.#standingStill.look(this.#streams, this.connections, this.#now())

      if (this.#streams.size > 0 || this.connections.size > 0) {
        this.start()
      }
    }, LOOK_INTERVAL)
  }
}

/**
 * What a span belongs to in the end
 */
function ownerOf (scope: AggregateNode | OwnedNode): unknown {
  let owner: object = scope

  while ('owner' in owner && owner.owner != null) {
    owner = owner.owner
  }

  return owner
}
