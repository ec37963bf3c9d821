import type { Random } from '../../attacks/framework/random.ts'

/**
 * The longest of what is called huge, in bytes: more than the buffers of a stream take
 */
const HUGE = 5 * 2 ** 20

const MAX_VARINT_LENGTH = 12

/** From 0 to below the bound */
export function below (random: Random, bound: number): number {
  return Math.floor(random.next() * bound)
}

export function chance (random: Random, probability: number): boolean {
  return random.next() < probability
}

export function randomBytes (random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => below(random, 256))
}

/**
 * Mostly short, sometimes none or long
 */
export function randomLength (random: Random): number {
  return random.pick([0, 1, 2, 3, 16, 64, 200, 1000, 4096, 70_000])
}

/**
 * Lengths at which something changes, and such as nobody sends
 */
export function oddLength (random: Random): number {
  return random.pick([0, 1, 2, 125, 126, 127, 128, 255, 256, 1024, 0x3fff, 0xffff, 0x10000, 262_144, 262_145, 1 << 20, (1 << 20) + 1, 0x7fffffff, 0x80000000, 0xffffffff])
}

/**
 * A lot of the same byte, which does not take long to make. It is none of those that begin a
 * varint which never ends: `@libp2p/utils` would be busy with it for a minute (docs/attacks.md).
 */
export function hugeBytes (random: Random): Uint8Array {
  return new Uint8Array(below(random, HUGE)).fill(below(random, 0x80))
}

export function varint (value: number): Uint8Array {
  const bytes: number[] = []

  for (; value >= 0x80; value = Math.floor(value / 0x80)) {
    bytes.push(value % 0x80 | 0x80)
  }

  return Uint8Array.of(...bytes, value)
}

/**
 * A varint, or what looks like one and does not end
 */
export function oddVarint (random: Random): Uint8Array {
  return chance(random, 0.1)
    ? new Uint8Array(below(random, MAX_VARINT_LENGTH)).fill(0xff)
    : varint(oddLength(random))
}

export function concat (...parts: Uint8Array[]): Uint8Array {
  return Buffer.concat(parts)
}

export function text (string: string): Uint8Array {
  return new TextEncoder().encode(string)
}

/**
 * One of the ways to spoil bytes
 */
export function spoil (random: Random, bytes: Uint8Array): Uint8Array {
  const at = below(random, bytes.byteLength + 1)

  switch (below(random, 7)) {
    case 0:
      return bytes.subarray(0, at)
    case 1:
      return concat(bytes, bytes)
    case 2:
      return concat(bytes.subarray(0, at), randomBytes(random, randomLength(random)), bytes.subarray(at))
    case 3:
      return concat(bytes.subarray(at), bytes.subarray(0, at))
    case 4:
      return concat(bytes, hugeBytes(random))
    case 5:
      return concat(bytes.subarray(0, at), bytes.subarray(at + 1 + below(random, 8)))
    default: {
      const flipped = Uint8Array.from(bytes)

      for (let flips = 1 + below(random, 8); flips > 0 && flipped.byteLength > 0; flips--) {
        flipped[below(random, flipped.byteLength)] ^= 1 << below(random, 8)
      }

      return flipped
    }
  }
}

/**
 * Some of the chunks spoilt, left out, repeated or in another order
 */
export function disorder (random: Random, chunks: Uint8Array[]): Uint8Array[] {
  const result = chunks.flatMap(chunk => random.pick([
    () => [chunk],
    () => [chunk],
    () => [spoil(random, chunk)],
    () => [],
    () => [chunk, chunk]
  ])())

  if (chance(random, 0.3)) {
    result.sort(() => random.next() - 0.5)
  }

  // in one piece, or as it comes
  return chance(random, 0.3) ? [concat(...result)] : result
}
