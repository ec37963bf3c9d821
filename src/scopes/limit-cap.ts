import type { Limited } from './limit-of.ts'
import type { Limit } from '../limits/limit.ts'
import type { SettingPath } from '../limits/setting.ts'

/**
 * A scope whose limit can be lowered
 */
export interface CappedScope extends Limited {
  limit: Readonly<Limit>
}

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
 * Lets scopes have less than their limit says. It changes the limit itself, so that nothing
 * that is checked has to ask it.
 */
export interface LimitCap {
  /**
   * The scope is new, or has another limit now
   */
  limitChanged(scope: CappedScope): void

  /**
   * The limit that the scope would have by itself
   */
  uncapped(scope: CappedScope): Readonly<Limit> | undefined

  /**
   * The limit because of which a scope has less than it would have by itself, if so
   */
  sharedLimit(scope: Limited & { readonly limit: Readonly<Limit> }, field: keyof Limit): SharedLimit | undefined
}
