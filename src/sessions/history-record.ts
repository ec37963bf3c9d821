import type { HistoryEntry } from './history.ts'

/**
 * What a history is written as. A change that an older release could not read has to
 * change the number.
 */
const VERSION = 1

/**
 * Location, peer, reference, sessions, bytes received and bytes sent
 */
type Row = [string, string, string, number, number, number]

/**
 * The entries of a history as bytes: JSON in UTF-8
 */
export function encodeHistory (entries: readonly HistoryEntry[]): Uint8Array {
  const sessions = entries.map((entry): Row => [
    entry.location,
    entry.peer,
    entry.reference,
    entry.totalSessions,
    entry.totalRxBytes,
    entry.totalTxBytes
  ])

  return new TextEncoder().encode(JSON.stringify({ version: VERSION, sessions }))
}

/**
 * Reads what `encodeHistory` has written
 *
 * @throws {Error} If it is anything else
 */
export function decodeHistory (bytes: Uint8Array): HistoryEntry[] {
  const record = parse(bytes)

  if (record?.version !== VERSION) {
    throw new Error(`expected version ${VERSION}`)
  }

  if (!Array.isArray(record.sessions)) {
    throw new Error('expected a list of sessions')
  }

  return record.sessions.map((row: unknown, index: number) => {
    if (!isRow(row)) {
      throw new Error(`sessions[${index}]: expected three names and three whole numbers`)
    }

    const [location, peer, reference, totalSessions, totalRxBytes, totalTxBytes] = row

    return { location, peer, reference, totalSessions, totalRxBytes, totalTxBytes }
  })
}

function parse (bytes: Uint8Array): any {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    // the reason would quote the record
    throw new Error('expected JSON')
  }
}

function isRow (row: unknown): row is Row {
  return Array.isArray(row) &&
    row.length === 6 &&
    row.slice(0, 3).every(name => typeof name === 'string') &&
    row.slice(3).every(number => Number.isSafeInteger(number) && number >= 0)
}
