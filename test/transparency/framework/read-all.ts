import { Uint8ArrayList } from 'uint8arraylist'
import type { Stream } from '@libp2p/interface'

/**
 * Everything that arrives on a stream until the remote closes its end
 */
export async function readAll (stream: Stream): Promise<Uint8Array> {
  const all = new Uint8ArrayList()

  for await (const chunk of stream) {
    all.append(chunk)
  }

  return all.subarray()
}
