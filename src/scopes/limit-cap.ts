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
 * Lowers the limits of scopes to what a fleet lets this node have. It changes the limit itself, so
 * the checks need not know of it.
 */
export interface LimitCap {
  /**
   * Called when a scope is new or has got another limit
   */
  limitChanged(scope: CappedScope): void

  /**
   * The limit that the scope would have without a fleet
   */
  uncapped(scope: CappedScope): Readonly<Limit> | undefined

  /**
   * The shared limit that lowers a limit of a scope, if one does
   */
  sharedLimit(scope: Limited & { readonly limit: Readonly<Limit> }, field: keyof Limit): SharedLimit | undefined
}
