/**
 * What sessions that have ended add up to
 */
export interface SessionStats {
  /** How many sessions there were */
  totalSessions: number

  /** Bytes received */
  totalRxBytes: number

  /** Bytes sent */
  totalTxBytes: number
}

export interface PeerStats extends SessionStats {
  /** By the location of the peer */
  locations: Record<string, SessionStats>
}

/**
 * The sessions that have ended, by what they had in common
 */
export interface HistorySummary extends SessionStats {
  peers: Record<string, PeerStats>
  locations: Record<string, SessionStats>
  references: Record<string, SessionStats>
}

interface SessionNames {
  readonly location: string
  readonly peer: string
  readonly reference: string
}

/**
 * The sum of all sessions with the same location, peer and reference
 */
export interface HistoryEntry extends SessionNames, SessionStats {}

/**
 * Location, peer and reference of what does not get an entry of its own
 */
const OTHER = 'other'

/**
 * The sums of sessions that have ended, for each location, peer and reference.
 *
 * These come from remote peers, who could make up new ones for ever. When there are
 * as many entries as there may be, sessions that do not belong to one of them are
 * summed under `other`.
 */
export class History {
  readonly #maxEntries: number
  readonly #other: HistoryEntry = { location: OTHER, peer: OTHER, reference: OTHER, ...noSessions() }
  readonly #entries = new Map([[keyOf(this.#other), this.#other]])
  #revision = 0

  /**
   * @param maxEntries - how many entries there may be besides the one for the others
   */
  constructor (maxEntries: number) {
    this.#maxEntries = maxEntries
  }

  /**
   * A number that is higher after each change
   */
  get revision (): number {
    return this.#revision
  }

  add (entry: Readonly<HistoryEntry>): void {
    addStats(this.#entryFor(entry), entry)
    this.#revision++
  }

  entries (): HistoryEntry[] {
    return Array.from(this.#entries.values()).filter(({ totalSessions }) => totalSessions > 0)
  }

  summary (): HistorySummary {
    const summary: HistorySummary = { peers: names(), locations: names(), references: names(), ...noSessions() }

    for (const entry of this.entries()) {
      const peer = summary.peers[entry.peer] ??= { ...noSessions(), locations: names() }

      addStats(peer, entry)
      addStats(peer.locations[entry.location] ??= noSessions(), entry)
      addStats(summary.locations[entry.location] ??= noSessions(), entry)
      addStats(summary.references[entry.reference] ??= noSessions(), entry)
      addStats(summary, entry)
    }

    return summary
  }

  #entryFor (names: SessionNames): HistoryEntry {
    const key = keyOf(names)
    let entry = this.#entries.get(key)

    if (entry == null) {
      // one of them is the entry for the others
      if (this.#entries.size > this.#maxEntries) {
        return this.#other
      }

      entry = { location: names.location, peer: names.peer, reference: names.reference, ...noSessions() }
      this.#entries.set(key, entry)
    }

    return entry
  }
}

/**
 * The lengths keep apart what would be the same when put together
 */
function keyOf ({ location, peer, reference }: SessionNames): string {
  return `${location.length}:${peer.length}:${location}${peer}${reference}`
}

function noSessions (): SessionStats {
  return { totalSessions: 0, totalRxBytes: 0, totalTxBytes: 0 }
}

/**
 * A record without a prototype: the names in it come from remote peers, and
 * `__proto__` and `constructor` are names like any other
 */
function names <T> (): Record<string, T> {
  return Object.create(null)
}

function addStats (stats: SessionStats, more: Readonly<SessionStats>): void {
  stats.totalSessions = addWhole(stats.totalSessions, more.totalSessions)
  stats.totalRxBytes = addWhole(stats.totalRxBytes, more.totalRxBytes)
  stats.totalTxBytes = addWhole(stats.totalTxBytes, more.totalTxBytes)
}

/**
 * A sum that stays a number which can be written and read back exactly
 */
function addWhole (a: number, b: number): number {
  return Math.min(a + b, Number.MAX_SAFE_INTEGER)
}
