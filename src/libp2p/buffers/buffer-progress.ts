/**
 * Which buffers stand still.
 *
 * What is in a buffer *stands still* when fewer than `STALL_BYTES` of it have moved in
 * `STALL_GRACE`: less than 6.5 KB/s. A remote that takes a byte now and then, to look alive,
 * stands still; one behind a line of 64 kbit/s does not.
 *
 * - What the remote has not taken counts first: a handler that waits for it reads nothing
 * meanwhile, and that is not its fault.
 * - Where the connection itself is backed up, the line is what its streams wait for. None of
 * them stands still while the connection as a whole moves, however many share it.
 *
 * In calm times this matters only above a limit: see `stream-memory.ts`. The most that k
 * remotes can hold there without moving is k times the lowest of the limits of a stream's
 * scopes, for as long as they like, plus what they can send in `STALL_GRACE`, and never more
 * than buffers may take of the system.
 */

/**
 * In ms: longer than a garbage collection, a lost packet or a change from one network to
 * another takes
 */
export const STALL_GRACE = 10_000

/**
 * In ms: when memory is short, what has not moved for this long goes before what has
 */
export const SHORT_GRACE = 2_000

/**
 * A message of usual size
 */
export const STALL_BYTES = 64 * 1024

/**
 * What has moved in one direction
 */
class Movement {
  #since: number
  #bytes = 0

  constructor (now: number) {
    this.#since = now
  }

  add (bytes: number, now: number): void {
    this.#bytes += bytes

    if (this.#bytes >= STALL_BYTES) {
      this.restart(now)
    }
  }

  restart (now: number): void {
    this.#bytes = 0
    this.#since = now
  }

  standsStill (now: number, grace: number): boolean {
    return now - this.#since >= grace
  }
}

/**
 * How the buffers of a stream or connection move while there is something in them
 */
export class BufferProgress {
  readonly #unread: Movement
  readonly #unsent: Movement

  /**
   * What was not sent when this was updated the last time, in bytes
   */
  #lastUnsent: number

  constructor (unsent: number, now: number) {
    this.#unread = new Movement(now)
    this.#unsent = new Movement(now)
    this.#lastUnsent = unsent
  }

  /**
   * @param read - what was read since the last time, in bytes
   * @param queued - what was added to what is not sent since the last time, in bytes
   * @param unsent - what is not sent now, in bytes
   * @param now
   * @returns what was sent since the last time, in bytes
   */
  update (read: number, queued: number, unsent: number, now: number): number {
    const sent = Math.max(0, this.#lastUnsent + queued - unsent)

    this.#lastUnsent = unsent
    this.#unread.add(read, now)
    this.#unsent.add(sent, now)

    return sent
  }

  /**
   * Whether it stands still
   *
   * @param unsent - whether there is anything that is not sent
   * @param now
   * @param grace - in ms
   */
  standsStill (unsent: boolean, now: number, grace: number = STALL_GRACE): boolean {
    return (unsent ? this.#unsent : this.#unread).standsStill(now, grace)
  }

  /**
   * Something else that it waits for moves
   */
  excuse (now: number): void {
    this.#unsent.restart(now)
  }
}
