import type { ConcreteLimitConfig } from './limit-config.ts'

/**
 * What was scaled from the defaults. None of it can be changed.
 */
const scaled = new WeakSet<ConcreteLimitConfig>()

/**
 * Remembers limits as the defaults of a machine of some size. It is in a file of its own so
 * that a page that does not scale limits itself does not download what does.
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
