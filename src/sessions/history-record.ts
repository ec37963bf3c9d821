import { parseJSON } from '../util/parse-json.ts'
import { DIMENSIONS } from './history.ts'
import type { EvictedHistory, HistoryEntry, HistoryRecord } from './history.ts'
import type { SessionStats } from './session-stats.ts'

/**
 * The form in which a history is written. A change that an older release could not read has to
 * change the number.
 *
 * Version 1 had the combinations only, and one called `other` throughout for those beyond
 * the most there may be.
 */
const VERSION = 2

/**
 * Sessions, bytes received and bytes sent
 */
type Numbers = [number, number, number]

/**
 * Names, and what they add up to. Combinations have three names: location, peer and
 * reference.
 */
type Row = [...names: string[], ...Numbers]

/**
 * How many combinations, peers, locations and references have given way
 */
type Evicted = [number, number, number, number]

const NOTHING_EVICTED: Evicted = [0, 0, 0, 0]

/**
 * A history as bytes: JSON in UTF-8
 */
export function encodeHistory ({ combinations, evicted, ...rest }: HistoryRecord): Uint8Array {
  const record = {
    version: VERSION,
    sessions: combinations.map((entry): Row => [entry.location, entry.peer, entry.reference, ...numbersOf(entry)]),
    ...Object.fromEntries(DIMENSIONS.map(([dimension]) => [dimension, rest[dimension].map(([name, stats]): Row => [name, ...numbersOf(stats)])])),
    evicted: [evicted.combinations, evicted.peers, evicted.locations, evicted.references] satisfies Evicted
  }

  return new TextEncoder().encode(JSON.stringify(record))
}

/**
 * Reads what `encodeHistory` has written
 *
 * @throws {Error} If it is anything else
 */
export function decodeHistory (bytes: Uint8Array): HistoryRecord {
  const record = parseJSON(bytes)
  const version = record?.version

  if (version !== 1 && version !== VERSION) {
    throw new Error(`expected version ${VERSION}`)
  }

  const combinations = readRows(record.sessions, 'sessions', 3).map(({ names, stats }): HistoryEntry => {
    const [location, peer, reference] = names

    return { location, peer, reference, ...stats }
  })

  const [peers, locations, references] = DIMENSIONS.map(([dimension]) => {
    return version === 1 ? [] : readRows(record[dimension], dimension, 1).map(({ names, stats }): [string, SessionStats] => [names[0], stats])
  })

  return { combinations, peers, locations, references, evicted: readEvicted(version === 1 ? NOTHING_EVICTED : record.evicted) }
}

function numbersOf ({ totalRxBytes, totalSessions, totalTxBytes }: SessionStats): Numbers {
  return [totalSessions, totalRxBytes, totalTxBytes]
}

function readRows (rows: unknown, field: string, names: number): Array<{ names: string[], stats: SessionStats }> {
  if (!Array.isArray(rows)) {
    throw new Error(`expected a list of ${field}`)
  }

  return rows.map((row: unknown, index) => {
    if (!isRow(row, names)) {
      throw new Error(`${field}[${index}]: expected ${names === 1 ? 'a name' : 'three names'} and three whole numbers`)
    }

    const [totalSessions, totalRxBytes, totalTxBytes] = row.slice(names) as Numbers

    return { names: row.slice(0, names) as string[], stats: { totalSessions, totalRxBytes, totalTxBytes } }
  })
}

function readEvicted (evicted: unknown): EvictedHistory {
  if (!Array.isArray(evicted) || evicted.length !== 4 || !evicted.every(isCount)) {
    throw new Error('evicted: expected four whole numbers')
  }

  const [combinations, peers, locations, references] = evicted as Evicted

  return { combinations, peers, locations, references }
}

function isRow (row: unknown, names: number): row is Row {
  return Array.isArray(row) &&
    row.length === names + 3 &&
    row.slice(0, names).every(name => typeof name === 'string') &&
    row.slice(names).every(isCount)
}

function isCount (value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
