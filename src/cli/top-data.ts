import { isRecord } from '../util/validation.ts'
import type { LiveData } from '../admin/live-data.ts'

const LISTS = ['bars', 'refusals', 'recentRefusals', 'evictions', 'recentEvictions', 'peaks', 'networks', 'peers', 'services', 'sessions'] as const satisfies ReadonlyArray<keyof LiveData>

/**
 * Fields that a node of another version leaves out are empty
 *
 * @throws {Error} if it is not what a node holds
 */
export function liveDataOf (data: unknown): LiveData {
  if (!isRecord(data) || !isRecord(data.sample) || LISTS.some(name => data[name] !== undefined && !Array.isArray(data[name]))) {
    throw new Error(NOT_LIVE_DATA)
  }

  return { ...Object.fromEntries(LISTS.map(name => [name, []])), ...data } as unknown as LiveData
}

export const NOT_LIVE_DATA = 'expected what a node holds, got something else: is its version another one?'
