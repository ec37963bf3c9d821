import { createCipheriv, createHash } from 'node:crypto'

export const KiB = 2 ** 10
export const MiB = 2 ** 20

/**
 * Bytes in which no part is like another, and others for each seed: a key stream
 */
export function someBytes (length: number, seed: number = 0): Uint8Array {
  const iv = new Uint8Array(16)

  // the second half of it counts blocks
  new DataView(iv.buffer).setUint32(0, seed)

  return createCipheriv('aes-256-ctr', new Uint8Array(32), iv).update(new Uint8Array(length))
}

/**
 * What tells bytes from all others
 */
export function digest (...chunks: Uint8Array[]): string {
  const hash = createHash('sha256')

  chunks.forEach(chunk => { hash.update(chunk) })

  return hash.digest('hex')
}
