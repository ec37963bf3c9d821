import { InvalidMessageError } from '@libp2p/interface'

/**
 * How long a varint may be, in bytes: longer ones are above `Number.MAX_SAFE_INTEGER`
 */
const MAX_LENGTH = 8

const BITS = 7
const MORE = 1 << BITS

/**
 * Decodes the length before a message, as `@libp2p/utils` (7.4.1, `stream-utils.ts`,
 * `lpStream`) does, but gives up if no length comes. `lpStream` reads byte by byte until it can
 * decode a length, and checks its size only afterwards: each byte of a length that never ends
 * costs an error and a hundred bytes of memory, and nothing else runs meanwhile.
 *
 * @throws {RangeError} If there is more to come
 * @throws {InvalidMessageError} If it is none
 */
export function decodeLength (list: Pick<Uint8Array, 'subarray'>): number {
  const bytes = list.subarray()
  let length = 0

  for (let i = 0; i < MAX_LENGTH; i++) {
    if (i >= bytes.byteLength) {
      throw new RangeError('the length of the message is not complete')
    }

    length += (bytes[i] % MORE) * 2 ** (BITS * i)

    if (bytes[i] < MORE) {
      return length
    }
  }

  throw new InvalidMessageError('the length of a message is not a number')
}
