import { findMemoryRefusal } from '../../scopes/find-refusal.ts'
import { MEMORY_PRIORITY_ALWAYS, MEMORY_PRIORITY_MEDIUM, memoryThreshold } from '../../scopes/memory-priority.ts'
import { Refusal } from '../../scopes/refusal.ts'
import { BufferRanking } from './buffer-ranking.ts'
import type { BufferHolder } from './buffer-holder.ts'
import type { Core } from '../../manager/core.ts'
import type { AggregateScope } from '../../scopes/aggregate-scope.ts'
import type { OwnedScope } from '../../scopes/owned-scope.ts'
import type { RoomMaker } from '../../scopes/room-maker.ts'
import type { Pressures } from '../pressure/pressure.ts'

/**
 * Unread bytes from remotes may fill about 60% of the memory of the system. The rest is for
 * what this node does itself. Bytes that it has queued for remotes may fill all that is left,
 * because only this node decides about those: they give way to anything else that is asked for.
 */
const UNREAD_PRIORITY = MEMORY_PRIORITY_MEDIUM

/**
 * Which part of this makes remotes wait earlier
 */
const SHORT = 1 / 2

/**
 * While the process has too much memory, this share of the buffered bytes is given up at a
 * time, as in Tor
 */
const RELIEF = 1 / 10

/**
 * In ms: longer than it takes until memory that was given up has been collected
 */
const RELIEF_INTERVAL = 1_000

export interface BufferEvictionInit {
  /**
   * All streams and connections that are accounted for
   */
  holders(): BufferHolder[]

  /**
   * Where the memory of the process is observed
   */
  pressures?: Pick<Pressures, 'findProcessRefusal'>

  /**
   * The time in which anything could move, in ms
   */
  now(): number
}

/**
 * Counts the bytes in buffers, and if there is no room for them, ends what gives way
 */
export class BufferEviction implements RoomMaker {
  readonly #manager: Core
  readonly #init: BufferEvictionInit

  /**
   * Counted bytes that nobody has read, by the system that they are counted in
   */
  readonly #unread = new Map<AggregateScope, number>()
  #nextRelief = 0

  /**
   * Whether memory is getting short: unread bytes fill more than half of what they may, or the
   * process has too much memory. From then on, remotes have to wait earlier, so that nothing
   * has to be ended.
   */
  short = false

  constructor (manager: Core, init: BufferEvictionInit) {
    this.#manager = manager
    this.#init = init
  }

  /**
   * Everything is going to be measured
   */
  restart (): void {
    this.#unread.clear()
  }

  /**
   * Counts what was measured of a holder, or postpones that if it holds more than before.
   * Holders that are empty, and were empty when they were last counted, may be left out.
   *
   * @param holder
   * @param grown - those that have more
   */
  measured (holder: BufferHolder, grown: BufferHolder[]): void {
    const { size } = holder

    if (size > holder.scope.buffers) {
      grown.push(holder)
    } else if (size < holder.scope.buffers || holder.unread !== holder.countedUnread) {
      this.#count(holder)
    }

    if (holder.countedUnread > 0) {
      this.#addUnread(holder, holder.countedUnread)
    }
  }

  /**
   * Counts what has grown. Everything else has been measured.
   */
  fit (grown: BufferHolder[]): void {
    const rankings = new Map<string, BufferRanking>()

    for (const holder of grown) {
      // every round ends with room for it or with one less
      while (!holder.scope.closed) {
        holder.measure()

        const refusal = this.#findRefusal(holder)

        if (refusal == null || !this.#endOne(refusal, rankings, holder)) {
          this.#addUnread(holder, holder.unread - holder.countedUnread)
          this.#count(holder)
          break
        }
      }
    }

    this.short = this.#isShort()
  }

  /**
   * Ends a buffer for something that does not fit into the system because of buffers
   */
  makeRoom (refusal: Refusal, newcomer: AggregateScope | OwnedScope): boolean {
    // most refusals in a flood
    if (refusal.resource !== 'memory' || !this.#manager.enforces) {
      return false
    }

    const { allowlisted, normal } = this.#manager.graph
    const system = refusal.refuser as AggregateScope

    if (system !== normal.system && system !== allowlisted.system) {
      return false
    }

    // reservations that must leave more room than buffers do not get it from buffers either
    if (refusal.limit < memoryThreshold(system.limit.memory, UNREAD_PRIORITY)) {
      return false
    }

    // what would not fit without any buffer ends none
    if (refusal.current + refusal.attempted - this.#buffersIn(system) > refusal.limit) {
      return false
    }

    const holder = this.#rank(system, 'size', ownerOf(newcomer)).next()

    return holder != null && this.end(holder, reasonFor(holder, refusal))
  }

  /**
   * Gives up some of the buffered bytes while the process has too much memory. The effect shows
   * late, so this goes in steps.
   */
  relieveProcess (): void {
    const now = this.#init.now()
    const refusal = this.#init.pressures?.findProcessRefusal()

    if (refusal == null || now < this.#nextRelief) {
      return
    }

    this.#nextRelief = now + RELIEF_INTERVAL

    const { normal, allowlisted } = this.#manager.graph

    for (const { system } of [normal, allowlisted]) {
      const ranking = this.#rank(system, 'size')
      let left = RELIEF * this.#buffersIn(system)

      while (left > 0) {
        const holder = ranking.next()

        left -= holder?.scope.buffers ?? left

        if (holder != null && !this.end(holder, refusal)) {
          break
        }
      }
    }
  }

  /**
   * Ends a holder for what it holds, and counts that as a refusal
   *
   * @returns Whether it was ended: not where limits are not enforced
   */
  end (holder: BufferHolder, reason: Refusal): boolean {
    const { scope } = holder
    const refusal = this.#manager.refuse(reason)

    if (refusal == null) {
      return false
    }

    const unread = holder.countedUnread

    holder.abort(this.#manager.errorOf(refusal))

    if (!scope.closed) {
      if (holder.measure() > 0) {
        // the remote had reset it, and such a stream keeps what nobody has read
        holder.end()
      } else {
        this.#count(holder)
      }
    }

    this.#addUnread(holder, -unread)

    return true
  }

  /**
   * Why what a holder has more than before does not fit, if so
   */
  #findRefusal (holder: BufferHolder): Refusal | undefined {
    const { scope } = holder
    const { system } = scope.pair
    const growth = holder.size - scope.buffers
    const unreadGrowth = holder.unread - holder.countedUnread

    if (unreadGrowth > 0) {
      const unread = this.#unread.get(system) ?? 0
      const threshold = memoryThreshold(system.limit.memory, UNREAD_PRIORITY)

      if (unread + unreadGrowth > threshold) {
        return new Refusal(scope, system, 'memory', undefined, unread, unreadGrowth, threshold, UNREAD_PRIORITY)
      }
    }

    return growth > 0 ? findMemoryRefusal(scope, system, growth, MEMORY_PRIORITY_ALWAYS) : undefined
  }

  /**
   * Ends the next one that gives way, which may be the one that has grown
   *
   * @param refusal
   * @param rankings - those that were made already, one for each thing to be short of
   * @param grown
   */
  #endOne (refusal: Refusal, rankings: Map<string, BufferRanking>, grown: BufferHolder): boolean {
    const { system } = grown.scope.pair
    const part = refusal.priority === UNREAD_PRIORITY ? 'unread' : 'size'
    const key = system.kind + part
    const ranking = rankings.get(key) ?? this.#rank(system, part)
    const holder = ranking.next(grown) ?? grown

    rankings.set(key, ranking)

    return this.end(holder, reasonFor(holder, refusal))
  }

  #rank (system: AggregateScope, part: 'size' | 'unread', except?: unknown): BufferRanking {
    return new BufferRanking(this.#init.holders(), {
      system,
      part,
      except,
      now: this.#init.now(),
      hostOf: ({ connectionScope: { endpoint } }) => endpoint == null ? undefined : this.#manager.trust.hostOf(endpoint)
    })
  }

  /**
   * All that is counted in a system, in bytes
   */
  #buffersIn (system: AggregateScope): number {
    let bytes = 0

    for (const { scope } of this.#init.holders()) {
      bytes += scope.pair.system === system ? scope.buffers : 0
    }

    return bytes
  }

  #isShort (): boolean {
    for (const [{ limit }, unread] of this.#unread) {
      if (unread > SHORT * memoryThreshold(limit.memory, UNREAD_PRIORITY)) {
        return true
      }
    }

    return this.#init.pressures?.findProcessRefusal() != null
  }

  /**
   * Counts what was measured last
   */
  #count (holder: BufferHolder): void {
    holder.scope.addBuffers(holder.size - holder.scope.buffers)
    holder.countedUnread = holder.unread
  }

  #addUnread ({ scope }: BufferHolder, bytes: number): void {
    const { system } = scope.pair

    this.#unread.set(system, (this.#unread.get(system) ?? 0) + bytes)
  }
}

/**
 * The reason why a holder is ended, in its own name
 */
function reasonFor ({ scope }: BufferHolder, { refuser: full, resource, direction, current, attempted, limit, priority }: Refusal): Refusal {
  return new Refusal(scope, full, resource, direction, current, attempted, limit, priority)
}

/**
 * What a span belongs to in the end
 */
function ownerOf (scope: AggregateScope | OwnedScope): unknown {
  let owner: object = scope

  while ('owner' in owner && owner.owner != null) {
    owner = owner.owner
  }

  return owner
}
