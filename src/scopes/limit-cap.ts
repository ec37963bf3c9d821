import type { Limited } from './limit-of.ts'
import type { SharedLimit } from './shared-limit.ts'
import type { Limit } from '../limits/limit.ts'

/**
 * A scope whose limit can be lowered
 */
export interface CappedScope extends Limited {
  limit: Readonly<Limit>
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
