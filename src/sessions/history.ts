import { OTHER, RecentSums } from './recent-sums.ts'
import { addStats, isNothing, noSessions, without } from './session-stats.ts'
import type { SessionStats } from './session-stats.ts'

export type { SessionStats }

/**
 * What the sessions of one peer that have ended add up to
 */
export interface PeerStats extends SessionStats {
  /** By the location of the peer; `other` for locations that have given way */
  locations: Record<string, SessionStats>
}

/**
 * How many have given way to others that were used later
 */
export interface EvictedHistory {
  /** Combinations of location, peer and reference, whose sums by name remain */
  combinations: number

  /** Peers, which are part of `other` since then */
  peers: number

  /** Locations, which are part of `other` since then */
  locations: number

  /** References, which are part of `other` since then */
  references: number
}

/**
 * The sessions that have ended, by what they had in common
 */
export interface HistorySummary extends SessionStats {
  /** By peer, such as a peer id */
  peers: Record<string, PeerStats>

  /** By location, such as an address */
  locations: Record<string, SessionStats>

  /** By reference, such as a protocol */
  references: Record<string, SessionStats>

  /** How much the sums do not distinguish any more, 0 if they distinguish everything */
  evicted: EvictedHistory
}

/**
 * The kinds of names that sessions have
 */
export const DIMENSIONS = [['peers', 'peer'], ['locations', 'location'], ['references', 'reference']] as const

type Dimension = typeof DIMENSIONS[number][0]

/**
 * The sum of all sessions with the same location, peer and reference
 */
export interface HistoryEntry extends SessionStats {
  readonly location: string
  readonly peer: string
  readonly reference: string
}

/**
 * A history as it is stored. In all lists those that were not used for the longest time
 * come first.
 */
export interface HistoryRecord extends Record<Dimension, Array<[name: string, stats: SessionStats]>> {
  combinations: HistoryEntry[]

  // peers, locations and references have what is not in one of the combinations

  evicted: EvictedHistory
}

/**
 * The sums of sessions that have ended: all together, for each peer, location and
 * reference, and for each combination of them.
 *
 * The names come from remote peers, who could make up new ones for ever. When there are as
 * many of a kind as there may be, the one that was not used for the longest time gives
 * way. A combination leaves the sums of its peer, its location and its reference behind,
 * and each of these gives way to `other`.
 */
export class History {
  readonly #maxEntries: number
  readonly #total = noSessions()
  // in the order in which they were used, the latest is the last one
  readonly #combinations = new Map<string, HistoryEntry>()
  // the last of them, which need not be looked for
  #latest?: HistoryEntry
  readonly #sums: Record<Dimension, RecentSums>
  #evicted = 0
  #revision = 0

  /**
   * @param maxEntries - how many combinations, peers, locations and references there may
   * be, of each, besides `other`
   */
  constructor (maxEntries: number) {
    this.#maxEntries = maxEntries
    this.#sums = { peers: new RecentSums(maxEntries), locations: new RecentSums(maxEntries), references: new RecentSums(maxEntries) }
  }

  /**
   * A number that is higher after each change
   */
  get revision (): number {
    return this.#revision
  }

  add (entry: Readonly<HistoryEntry>): void {
    if (isNothing(entry)) {
      return
    }

    addStats(this.#total, entry)

    // one by one: this is done for each session that ends
    this.#sums.peers.add(entry.peer, entry)
    this.#sums.locations.add(entry.location, entry)
    this.#sums.references.add(entry.reference, entry)

    this.#addCombination(entry)
    this.#revision++
  }

  summary (): HistorySummary {
    const summary: HistorySummary = { peers: names(), locations: names(), references: names(), ...this.#total, evicted: this.#evictions() }

    for (const [name, stats] of this.#sums.peers.entries()) {
      summary.peers[name] = { ...stats, locations: names() }
    }

    for (const dimension of ['locations', 'references'] as const) {
      for (const [name, stats] of this.#sums[dimension].entries()) {
        summary[dimension][name] = { ...stats }
      }
    }

    for (const entry of this.#combinations.values()) {
      addStats(summary.peers[entry.peer].locations[entry.location] ??= noSessions(), entry)
    }

    for (const [peer, rest] of this.#rest('peers', 'peer')) {
      addStats(summary.peers[peer].locations[OTHER] ??= noSessions(), rest)
    }

    return summary
  }

  toRecord (): HistoryRecord {
    const [peers, locations, references] = DIMENSIONS.map(([dimension, name]) => this.#rest(dimension, name))

    return { combinations: Array.from(this.#combinations.values(), entry => ({ ...entry })), peers, locations, references, evicted: this.#evictions() }
  }

  /**
   * Adds what was there before everything that this history has
   */
  addEarlier (record: HistoryRecord): void {
    const later = this.toRecord()
    const earlier = new History(this.#maxEntries)

    earlier.#addRecord(record)
    earlier.#addRecord(later)
    this.#become(earlier)
  }

  #addRecord ({ combinations, evicted, ...rest }: HistoryRecord): void {
    for (const [dimension] of DIMENSIONS) {
      this.#sums[dimension].addEvicted(evicted[dimension])

      for (const [name, stats] of rest[dimension]) {
        this.#sums[dimension].add(name, stats)
      }
    }

    // each session has a peer, so that this is all of them
    rest.peers.forEach(([, stats]) => { addStats(this.#total, stats) })
    this.#evicted = Math.min(this.#evicted + evicted.combinations, Number.MAX_SAFE_INTEGER)
    combinations.forEach(entry => { this.add(entry) })
  }

  #become (other: History): void {
    Object.assign(this.#total, other.#total)
    Object.assign(this.#sums, other.#sums)
    this.#combinations.clear()
    other.#combinations.forEach((entry, key) => { this.#combinations.set(key, entry) })
    this.#latest = other.#latest
    this.#evicted = other.#evicted
    this.#revision++
  }

  #addCombination (entry: Readonly<HistoryEntry>): void {
    // streams of one peer with one protocol often end one after the other
    if (this.#latest !== undefined && isSameCombination(this.#latest, entry)) {
      addStats(this.#latest, entry)

      return
    }

    const { location, peer, reference } = entry
    const key = keyOf(entry)
    const sum = this.#combinations.get(key) ?? { location, peer, reference, ...noSessions() }

    addStats(sum, entry)
    this.#combinations.delete(key)
    this.#combinations.set(key, sum)

    if (this.#combinations.size > this.#maxEntries) {
      const [first] = this.#combinations.keys()

      this.#combinations.delete(first)
      this.#evicted++
    }

    // where there may be none this one is gone already
    this.#latest = this.#combinations.size === 0 ? undefined : sum
  }

  #evictions (): EvictedHistory {
    const { locations, peers, references } = this.#sums

    return { combinations: this.#evicted, peers: peers.evicted, locations: locations.evicted, references: references.evicted }
  }

  /**
   * What the sums have beyond the combinations
   */
  #rest (dimension: Dimension, name: typeof DIMENSIONS[number][1]): Array<[name: string, stats: SessionStats]> {
    const parts = new Map<string, SessionStats>()
    const rest: Array<[string, SessionStats]> = []

    for (const entry of this.#combinations.values()) {
      const part = parts.get(entry[name]) ?? noSessions()

      addStats(part, entry)
      parts.set(entry[name], part)
    }

    for (const [key, stats] of this.#sums[dimension].entries()) {
      const part = parts.get(key)
      const left = part == null ? { ...stats } : without(stats, part)

      if (!isNothing(left)) {
        rest.push([key, left])
      }
    }

    return rest
  }
}

function isSameCombination (a: HistoryEntry, b: HistoryEntry): boolean {
  return a.peer === b.peer && a.location === b.location && a.reference === b.reference
}

/**
 * The lengths keep apart what would be the same when put together
 */
function keyOf ({ location, peer, reference }: HistoryEntry): string {
  return `${location.length}:${peer.length}:${location}${peer}${reference}`
}

/**
 * A record without a prototype: the names in it come from remote peers, and
 * `__proto__` and `constructor` are names like any other
 */
function names <T> (): Record<string, T> {
  return Object.create(null)
}
