import type { ConcreteLimitConfig } from './limit-config.ts'

/**
 * Limits that were scaled from the defaults. They cannot be changed.
 */
const scaled = new WeakSet<ConcreteLimitConfig>()

/**
 * Remembers limits as the defaults of a machine of some size. This file stands alone, so that a
 * page that does not scale limits does not download the code that does.
 */
export function markDefaults (config: ConcreteLimitConfig): void {
  scaled.add(config)
}

/**
 * Whether limits are the defaults of a machine of some size, in which nobody has set
 * anything
 */
export function areDefaults (config: ConcreteLimitConfig): boolean {
  return scaled.has(config)
}
