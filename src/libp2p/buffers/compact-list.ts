/**
 * What a piece takes besides its bytes: an object, its place in the list, and often a
 * buffer of its own. Measured on Node.js 24: 135 bytes for a part of a buffer that others
 * are part of, and 190 where few are.
 */
const PIECE_COST = 200

/**
 * New pieces stay as they are if they take less memory than this many times their bytes
 */
const MAX_COST = 1.5

/**
 * What is left of a piece that was cut off at its front is copied where its buffer is
 * larger than this many times that, and so many bytes more
 */
const MAX_CUT = 2
const CUT_SLACK = 1024

/**
 * Smaller copies are copied again together with what follows. Otherwise each small arrival
 * would leave a small copy.
 */
const CHUNK_SIZE = 64 * 1024
const MIN_CHUNK_SIZE = 1024

/**
 * The part of a `Uint8ArrayList` that this relies on
 */
export interface Pieces {
  readonly byteLength: number
  readonly bufs: Uint8Array[]
}

/**
 * A buffer of a stream, and what it makes the process hold.
 *
 * Buffers are lists of pieces that have not been copied. A remote that sends single bytes makes
 * each of them 135 bytes or more, and one that sends a byte to this stream and 64 KiB to nobody
 * makes this byte hold all of that. Pieces that take much more memory than their bytes are
 * copied into one. That changes neither the bytes nor their order, and copies each byte a few
 * times at most.
 *
 * After {@link compact} a buffer holds no more than two times its bytes, and 2 KiB.
 */
export class CompactList {
  readonly #pieces: Pieces

  /**
   * What was there the last time
   */
  #last?: Uint8Array
  #count = 0

  constructor (pieces: Pieces) {
    this.#pieces = pieces
  }

  /**
   * The buffer that is a property of something, if its pieces can be seen
   */
  static in (owner: unknown, property: string): CompactList | undefined {
    const pieces = piecesIn(owner, property)

    return pieces && new CompactList(pieces)
  }

  get byteLength (): number {
    return this.#pieces.byteLength
  }

  /**
   * Takes a few nanoseconds where nothing was added or taken since the last time, and
   * otherwise some for each new piece
   */
  compact (): void {
    const { bufs } = this.#pieces

    if (bufs.length === 0) {
      if (this.#count !== 0) {
        this.#last = undefined
        this.#count = 0
      }

      return
    }

    if (bufs[bufs.length - 1] !== this.#last || bufs.length > this.#count) {
      mergeFrom(bufs, this.#firstNew(bufs))
      this.#last = bufs[bufs.length - 1]
    }

    const [first] = bufs

    if (first.buffer.byteLength > MAX_CUT * first.byteLength + CUT_SLACK) {
      bufs[0] = new Uint8Array(first)

      if (first === this.#last) {
        this.#last = bufs[0]
      }
    }

    this.#count = bufs.length
  }

  #firstNew (bufs: Uint8Array[]): number {
    const position = this.#last == null ? 0 : bufs.lastIndexOf(this.#last) + 1

    // where there are more than before, something was put in front of them
    return position > this.#count ? 0 : position
  }
}

/**
 * The pieces of a buffer that is a property of something, if its pieces can be seen
 */
export function piecesIn (owner: unknown, property: string): Pieces | undefined {
  const pieces = (owner as Record<string, Partial<Pieces> | undefined> | undefined)?.[property]

  if (Array.isArray(pieces?.bufs) && typeof pieces.byteLength === 'number') {
    return pieces as Pieces
  }
}

/**
 * Makes one piece of those from a position on, if that is worth it
 */
function mergeFrom (bufs: Uint8Array[], position: number): void {
  let start = position
  let size = 0
  let cost = 0
  let previous: unknown

  for (let i = start; i < bufs.length; i++) {
    const { buffer, byteLength } = bufs[i]

    size += byteLength
    cost += PIECE_COST + (buffer === previous ? 0 : buffer.byteLength)
    previous = buffer
  }

  if (cost <= MAX_COST * size) {
    return
  }

  while (start > 0 && bufs[start - 1].byteLength < Math.min(CHUNK_SIZE, Math.max(MIN_CHUNK_SIZE, size))) {
    start--
    size += bufs[start].byteLength
  }

  const merged = new Uint8Array(size)
  let offset = 0

  for (let i = start; i < bufs.length; i++) {
    merged.set(bufs[i], offset)
    offset += bufs[i].byteLength
  }

  bufs.splice(start, bufs.length - start, merged)
}
