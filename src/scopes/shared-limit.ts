import type { SettingPath } from '../limits/setting.ts'

/**
 * A limit that several nodes have together, as this one knows it
 */
export interface SharedLimit {
  /** The name of the fleet */
  readonly name: string

  /** Of all nodes together: a number, or bytes of memory */
  readonly limit: number

  /** How much of it they hold, as far as this node knows */
  readonly held: number

  /** How much of it this node may hold now */
  readonly leased: number

  /** How old what it knows of the others is, in ms: `Infinity` where it knows nothing */
  readonly age: number

  /** Where it is configured, as `settingPath` of a `ResourceLimitExceededError` */
  readonly path: SettingPath
}

/**
 * What a fleet has of a limit: `relays: 28 of 30, 1.2 s ago`, without a time where nothing is known
 * of the others
 */
export function sharedText ({ age, held, limit, name }: SharedLimit, format: (amount: number) => string = String): string {
  return `${name}: ${format(held)} of ${format(limit)}${age === Infinity ? '' : `, ${(age / 1_000).toFixed(1)} s ago`}`
}
