import { deriveLimits, refuseKnobs } from '../limits/derive-limits.ts'
import { ANY } from '../util/description.ts'

/**
 * Limits from two numbers, or from what the node is for: the options `maxMemory`,
 * `maxConnections` and `profile`
 */
export const presets = { deriveLimits, refuseKnobs, options: { maxMemory: ANY, maxConnections: ANY, profile: ANY } } as const
