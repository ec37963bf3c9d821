import { CompactList } from './compact-list.ts'
import type { Stream, StreamMessageEvent } from '@libp2p/interface'

type Chunk = StreamMessageEvent['data']

/**
 * How many bytes a chunk takes besides its own while it waits: an object or two, and its place
 * in a list
 */
const CHUNK_COST = 200

/**
 * What waits in the iterators of a stream
 */
export interface Iterated {
  readonly stream: Stream

  /**
   * In bytes
   */
  iterated: number

  /**
   * The loop has taken bytes
   */
  read(bytes: number): void

  /**
   * Discards the bytes that wait: the loop fails with this error instead
   */
  discardIterated?: ((err: Error) => void) | undefined
}

function costOf ({ byteLength }: Chunk): number {
  return byteLength + CHUNK_COST
}

/**
 * Counts the bytes that wait in the iterator of a stream until the loop has time for them. The
 * stream has given them away and goes on receiving, so a loop that is slower than the remote
 * would collect any amount.
 */
export async function * countIterated (holder: Iterated, source: AsyncIterator<Chunk>): AsyncGenerator<Chunk> {
  const { stream } = holder
  let unread = 0
  let discarded: Error | undefined

  const count = (change: number): void => {
    unread += change
    holder.iterated += change
  }
  const discard = (err: Error): void => {
    discarded = err
    count(-unread)
    // the source forgets it too
    source.return?.().catch(() => {})
  }
  const onMessage = ({ data }: StreamMessageEvent): void => {
    // a small part of a large buffer would hold all of it for as long as it waits
    if (unread > 0) {
      CompactList.in({ data }, 'data')?.compact()
    }

    count(costOf(data))
  }

  try {
    let next = source.next()

    // the source has begun to listen. A listener of ours alone would be given what
    // nobody reads.
    if (stream.listenerCount('message') > 0) {
      stream.addEventListener('message', onMessage)
      holder.discardIterated = discard
    }

    for (;;) {
      const { done, value } = await next

      if (discarded != null) {
        throw discarded
      }

      if (done === true) {
        return
      }

      count(-Math.min(unread, costOf(value)))
      holder.read(value.byteLength)
      yield value
      next = source.next()
    }
  } finally {
    stream.removeEventListener('message', onMessage)
    count(-unread)

    if (holder.discardIterated === discard) {
      holder.discardIterated = undefined
    }

    await source.return?.()
  }
}
