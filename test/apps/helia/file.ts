import { createCipheriv, createHash } from 'node:crypto'

const CHUNK = 2 ** 20

/**
 * The bytes of a file of any size, different ones for each name, the same ones each
 * time: what AES makes of zeros, which nothing compresses and no two blocks of which
 * are alike
 */
export async function * contents (name: string, size: number): AsyncGenerator<Uint8Array> {
  const zeros = new Uint8Array(CHUNK)
  const cipher = createCipheriv('aes-128-ctr', createHash('md5').update(name).digest(), new Uint8Array(16))

  for (let left = size; left > 0; left -= CHUNK) {
    yield cipher.update(zeros.subarray(0, Math.min(CHUNK, left)))
  }
}

/**
 * The SHA-256 of a file, and its size
 */
export async function digest (chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256')
  let size = 0

  for await (const chunk of chunks) {
    hash.update(chunk)
    size += chunk.byteLength
  }

  return `${size} bytes ${hash.digest('hex')}`
}
