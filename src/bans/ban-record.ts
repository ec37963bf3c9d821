import { parseJSON } from '../util/parse-json.ts'
import { BAN_LEVELS } from './ban.ts'
import type { Ban } from './ban.ts'

/**
 * The form in which bans are written. A change that an older release could not read has to
 * change the number.
 */
const VERSION = 1

/**
 * Bans as bytes: JSON in UTF-8
 */
export function encodeBans (bans: readonly Ban[]): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ version: VERSION, bans }))
}

/**
 * Reads what `encodeBans` has written
 *
 * @throws {Error} If it is anything else
 */
export function decodeBans (bytes: Uint8Array): Ban[] {
  const record = parseJSON(bytes)

  if (record?.version !== VERSION) {
    throw new Error(`expected version ${VERSION}`)
  }

  if (!Array.isArray(record.bans)) {
    throw new Error('expected a list of bans')
  }

  return record.bans.map((ban: any, index: number): Ban => {
    if (!isBan(ban)) {
      throw new Error(`bans[${index}]: expected a ban`)
    }

    const { address, begin, by, end, level, reason, target } = ban

    return { level, target, by, reason, ...address === undefined ? {} : { address }, begin, end }
  })
}

function isBan (ban: any): ban is Ban {
  return BAN_LEVELS.includes(ban?.level) &&
    (ban.by === 'strikes' || ban.by === 'operator') &&
    [ban.target, ban.reason].every(text => typeof text === 'string' && text !== '') &&
    (ban.address === undefined || typeof ban.address === 'string') &&
    [ban.begin, ban.end].every(time => Number.isSafeInteger(time) && time >= 0)
}
