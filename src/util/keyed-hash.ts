/**
 * HalfSipHash-2-4 of Aumasson and Bernstein: a short hash that nobody can predict without the
 * key. Remotes choose their addresses, and must not be able to choose those that are protected.
 *
 * @param key - 8 bytes that are kept secret
 */
export function keyedHash (key: Uint8Array): (text: string) => number {
  const view = new DataView(key.buffer, key.byteOffset, 8)
  const key0 = view.getInt32(0, true)
  const key1 = view.getInt32(4, true)
  const encoder = new TextEncoder()

  return text => hash(key0, key1, encoder.encode(text))
}

/**
 * A key that nobody knows
 */
export function secretKey (): Uint8Array {
  return globalThis.crypto.getRandomValues(new Uint8Array(8))
}

function hash (key0: number, key1: number, data: Uint8Array): number {
  const state: State = [key0, key1, 0x6c796765 ^ key0, 0x74656462 ^ key1]
  const whole = data.length & ~3

  for (let i = 0; i < whole; i += 4) {
    compress(state, data[i] | data[i + 1] << 8 | data[i + 2] << 16 | data[i + 3] << 24)
  }

  let last = data.length << 24

  for (let i = whole; i < data.length; i++) {
    last |= data[i] << 8 * (i - whole)
  }

  compress(state, last)
  state[2] ^= 0xff

  for (let i = 0; i < 4; i++) {
    round(state)
  }

  return (state[1] ^ state[3]) >>> 0
}

type State = [number, number, number, number]

function compress (state: State, word: number): void {
  state[3] ^= word
  round(state)
  round(state)
  state[0] ^= word
}

function rotate (word: number, bits: number): number {
  return word << bits | word >>> (32 - bits)
}

function round (state: State): void {
  let [v0, v1, v2, v3] = state

  v0 = (v0 + v1) | 0
  v1 = rotate(v1, 5) ^ v0
  v0 = rotate(v0, 16)
  v2 = (v2 + v3) | 0
  v3 = rotate(v3, 8) ^ v2
  v0 = (v0 + v3) | 0
  v3 = rotate(v3, 7) ^ v0
  v2 = (v2 + v1) | 0
  v1 = rotate(v1, 13) ^ v2
  v2 = rotate(v2, 16)

  state[0] = v0
  state[1] = v1
  state[2] = v2
  state[3] = v3
}
