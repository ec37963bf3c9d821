import type { SettingPath } from '../limits/setting.ts'

/**
 * A limit that the nodes of a fleet share, as this node knows it
 */
export interface SharedLimit {
  /** The name of the fleet */
  readonly name: string

  /** The limit of all nodes together: a number, or bytes of memory */
  readonly limit: number

  /** How much of it all nodes hold, as far as this node knows */
  readonly held: number

  /** How much of it this node may hold now */
  readonly leased: number

  /** How old its knowledge of the other nodes is, in ms: `Infinity` if it has none */
  readonly age: number

  /** Where the configuration has it, as `settingPath` of a `ResourceLimitExceededError` */
  readonly path: SettingPath
}

/**
 * How much of a limit a fleet holds: `relays: 28 of 30, 1.2 s ago`. Without the time if this node
 * knows nothing of the others.
 */
export function sharedText ({ age, held, limit, name }: SharedLimit, format: (amount: number) => string = String): string {
  return `${name}: ${format(held)} of ${format(limit)}${age === Infinity ? '' : `, ${(age / 1_000).toFixed(1)} s ago`}`
}
