/**
 * Who holds what of one scope that is full, in nested groups:
 *
 * ```
 * all ── network ── subnet ── host ── peer ── its connections or streams
 * ```
 *
 * A newcomer gets the place of somebody else only if its group holds less than the largest
 * group, by more than one: otherwise the two would only change places. If its network holds as
 * much as the others, its subnet is compared with the other subnets of that network, and so on.
 * The peer is the last group: nobody takes a place of its own.
 *
 * Each group knows who would give way in it, so a search reads one group in each level. A
 * change takes O(log n) in each level.
 */

import { Heap } from '../util/heap.ts'
import type { Ranked } from '../util/heap.ts'

/**
 * The keys of the groups that somebody is in, from the network to the peer
 */
export type GroupPath = readonly [network: string, subnet: string, host: string, peer: string]

/**
 * Is never asked to give way
 */
export const PROTECTED = Infinity

class Group implements Ranked {
  readonly key: string
  readonly parent?: Group

  /** How many are in it */
  count = 0

  /** The same, with those that it has elsewhere */
  held: number

  /** Of the one that would give way */
  rank = PROTECTED
  position = -1
  readonly children = new Map<string, Group>()

  /** The groups, or the members, in which somebody may give way. The first one is next. */
  readonly candidates = new Heap<Group | FairMember<any>>()

  constructor (key: string, elsewhere: number, parent?: Group) {
    this.key = key
    this.held = elsewhere
    this.parent = parent
  }
}

/**
 * One that holds something
 */
export class FairMember<T> implements Ranked {
  readonly value: T
  readonly pool: FairPool<T>
  readonly group: Group
  readonly held = 1
  rank: number
  position = -1

  /** Where it is in the list of all */
  index: number

  constructor (value: T, pool: FairPool<T>, group: Group, rank: number, index: number) {
    this.index = index
    this.value = value
    this.pool = pool
    this.group = group
    this.rank = rank
  }

  /**
   * The groups that it is in, from the network to the peer
   */
  get path (): GroupPath {
    const keys: string[] = []

    for (let group: Group = this.group; group.parent !== undefined; group = group.parent) {
      keys.unshift(group.key)
    }

    return keys as unknown as GroupPath
  }
}

/**
 * What a group holds elsewhere
 *
 * @param level - of the group in its path
 * @param key
 */
export type HeldElsewhereBy = (level: number, key: string) => number

export class FairPool<T> {
  readonly #root = new Group('', 0)
  #elsewhere?: HeldElsewhereBy
  readonly #members: Array<FairMember<T>> = []

  /** The most that there have been */
  peak = 0

  get size (): number {
    return this.#root.count
  }

  /**
   * @param value
   * @param path
   * @param rank - of one peer, the lowest rank gives way first. `PROTECTED` never does.
   */
  add (value: T, path: GroupPath, rank: number): FairMember<T> {
    let group = this.#root

    for (let level = 0; level < path.length; level++) {
      const key = path[level]
      let child = group.children.get(key)

      if (child === undefined) {
        child = new Group(key, this.#elsewhere?.(level, key) ?? 0, group)
        group.children.set(key, child)
      }

      group = child
    }

    const member = new FairMember<T>(value, this, group, rank, this.#members.length)

    this.#members.push(member)
    this.#count(member, 1)
    this.peak = Math.max(this.peak, this.size)

    return member
  }

  remove (member: FairMember<T>): void {
    const last = this.#members.pop() as FairMember<T>

    if (last !== member) {
      this.#members[member.index] = last
      last.index = member.index
    }

    member.rank = PROTECTED
    this.#count(member, -1)
  }

  /**
   * Changes when it would give way
   */
  rerank (member: FairMember<T>, rank: number): void {
    member.rank = rank
    this.#count(member, 0)
  }

  /**
   * Who gives way to a newcomer of these groups, if anybody does
   */
  find (path: GroupPath): FairMember<T> | undefined {
    let group = this.#root

    for (let level = 0; level < path.length; level++) {
      const key = path[level]
      const largest = group.candidates.top
      const own = group.children.get(key)

      if (largest !== undefined && largest !== own && largest.held > (own?.held ?? this.#elsewhere?.(level, key) ?? 0) + 1) {
        return candidateOf(largest)
      }

      if (own === undefined) {
        return
      }

      group = own
    }
  }

  /**
   * From now on groups count with what they hold elsewhere
   */
  setElsewhere (elsewhere?: HeldElsewhereBy): void {
    this.#elsewhere = elsewhere
    this.#recount(this.#root, 0)
  }

  get members (): ReadonlyArray<FairMember<T>> {
    return this.#members
  }

  #recount (parent: Group, level: number): void {
    for (const group of parent.children.values()) {
      const held = group.count + (this.#elsewhere?.(level, group.key) ?? 0)

      if (held !== group.held) {
        group.held = held
        group.position === -1 || parent.candidates.put(group)
      }

      this.#recount(group, level + 1)
    }
  }

  #count (member: FairMember<T>, difference: number): void {
    let candidate: Group | FairMember<T> = member
    let group: Group | undefined = member.group

    while (group !== undefined) {
      group.held += difference
      group.count += difference

      if (candidate.rank === PROTECTED) {
        group.candidates.delete(candidate)
      } else {
        group.candidates.put(candidate)
      }

      group.rank = group.candidates.top?.rank ?? PROTECTED

      if (group.count === 0) {
        group.parent?.children.delete(group.key)
      }

      candidate = group
      group = group.parent
    }
  }
}

function candidateOf <T> (entry: Group | FairMember<T>): FairMember<T> {
  while (entry instanceof Group) {
    // a group is a candidate only while there is one in it
    entry = entry.candidates.top as Group | FairMember<T>
  }

  return entry
}
