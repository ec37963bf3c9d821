import type { FieldLease } from './lease.ts'
import type { SettingPath } from '../limits/setting.ts'
import type { SharedLimit } from '../scopes/shared-limit.ts'

export interface FleetClock {
  /** Of the fleet */
  name: string

  /** The time of the answers that leases have, in ms */
  now(): number
}

/**
 * What a node knows of a limit of its fleet
 *
 * @param fleet
 * @param path - where it is configured
 * @param limit - of the fleet
 * @param leased - what this node may hold of it
 * @param held - what this node holds
 * @param lease - what the fleet has answered, if it was asked
 */
export function sharedLimit (fleet: FleetClock, path: SettingPath, limit: number, leased: number, held: number, lease?: FieldLease): SharedLimit {
  const { at, others = 0 } = lease ?? {}
  const { name } = fleet

  return { name, limit, held: held + others, leased, age: at === undefined ? Infinity : fleet.now() - at, path }
}
