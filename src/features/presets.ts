import { deriveLimits, refuseKnobs } from '../limits/derive-limits.ts'

/**
 * Limits from two numbers, or from what the node is for: the options `maxMemory`,
 * `maxConnections` and `profile`
 */
export const presets = { deriveLimits, refuseKnobs }
