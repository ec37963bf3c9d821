import { deriveLimits, refuseKnobs } from '../limits/derive-limits.ts'
import { ANY } from '../util/description.ts'
import type { Feature } from '../manager/feature.ts'

/**
 * Limits from two numbers, or from what the node is for: the options `maxMemory`,
 * `maxConnections` and `profile`
 */
export const presets = {
  name: 'presets',
  options: { maxMemory: ANY, maxConnections: ANY, profile: ANY },
  presets: { deriveLimits, refuseKnobs }
} satisfies Feature<'presets'>
