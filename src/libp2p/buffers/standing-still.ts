import { Refusal } from '../../scopes/refusal.ts'
import { BufferProgress } from './buffer-progress.ts'
import type { BufferHolder } from './buffer-holder.ts'
import type { LiveConnection } from './live-connection.ts'
import type { LiveStream } from './live-stream.ts'
import type { AggregateScope } from '../../scopes/aggregate-scope.ts'
import type { OwnedScope } from '../../scopes/owned-scope.ts'

/**
 * Observes how the contents of buffers move, and ends what holds more than one of its scopes
 * may have and does not move
 */
export class StandingStill {
  readonly #refuse: (holder: BufferHolder, refusal: Refusal) => boolean
  #now = 0

  /**
   * @param refuse - ends a holder, and says whether it did
   */
  constructor (refuse: (holder: BufferHolder, refusal: Refusal) => boolean) {
    this.#refuse = refuse
  }

  /**
   * The time in which anything could move, in ms
   */
  get now (): number {
    return this.#now
  }

  /**
   * Buffers have just been measured
   *
   * @param streams
   * @param connections
   * @param elapsed - since they were measured the last time, in ms. What a busy event loop
   * takes more than usual is not held against anybody: nothing could move meanwhile.
   */
  measured (streams: Iterable<LiveStream>, connections: Iterable<LiveConnection>, elapsed: number): void {
    const now = this.#now += elapsed
    const sent = new Map<unknown, number>()
    const holding: BufferHolder[] = []

    for (const stream of streams) {
      if (stream.size === 0) {
        stream.progress = undefined
        continue
      }

      const bytes = update(stream, 0, now)

      holding.push(stream)

      if (bytes > 0) {
        sent.set(stream.connectionScope, (sent.get(stream.connectionScope) ?? 0) + bytes)
      }
    }

    const moving = new Set<unknown>()

    for (const connection of connections) {
      if (connection.size === 0) {
        connection.progress = undefined
        continue
      }

      // what its streams have sent has passed through it
      update(connection, sent.get(connection.scope) ?? 0, now)
      holding.push(connection)

      if (connection.size > connection.unread && connection.progress?.standsStill(true, now) === false) {
        moving.add(connection.scope)
      }
    }

    this.#end(holding, moving, now)
  }

  #end (holding: BufferHolder[], moving: Set<unknown>, now: number): void {
    const still = holding.filter(holder => {
      const unsent = holder.size > holder.unread

      // it waits for the line, and the line moves
      if (unsent && holder.scope !== holder.connectionScope && moving.has(holder.connectionScope)) {
        holder.progress?.excuse(now)
      }

      return holder.progress?.standsStill(unsent, now) === true
    })

    for (const holder of still.sort((a, b) => b.size - a.size)) {
      const full = overLimit(holder)

      if (full == null) {
        continue
      }

      const { scope } = holder

      if (!this.#refuse(holder, new Refusal(scope, full, 'memory', undefined, full.memory, 0, full.limit.memory))) {
        // once is enough where limits are not enforced
        holder.progress = undefined
      }
    }
  }
}

function update (holder: BufferHolder, sentByStreams: number, now: number): number {
  const read = holder.sinceLast('read')
  const queued = holder.sinceLast('queued') + sentByStreams
  const unsent = holder.size - holder.unread

  if (holder.progress == null) {
    holder.progress = new BufferProgress(unsent, now)

    return 0
  }

  return holder.progress.update(read, queued, unsent, now)
}

/**
 * The first of its scopes that holds more than it may. The system is not one of them: where
 * that is full, it matters who holds most.
 */
function overLimit ({ scope }: BufferHolder): AggregateScope | OwnedScope | undefined {
  const scopes = scope.closed ? [] : scope.selfAndEdges as Array<AggregateScope | OwnedScope>

  return scopes.find(edge => edge !== scope.pair.system && edge.memory > edge.limit.memory)
}
