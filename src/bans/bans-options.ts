import { ANY } from '../util/description.ts'
import type { BansInit } from './bans-init.ts'
import type { DescriptionOf } from '../util/description.ts'

/**
 * Who is banned for what
 */
export const BANS_OPTIONS = {
  bans: { strikes: ANY, halfLife: ANY, duration: ANY, peers: ANY, hosts: ANY }
} as const satisfies DescriptionOf<{ bans?: BansInit }>
