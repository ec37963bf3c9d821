import { ANY } from './description.ts'
import type { DescriptionOf } from './description.ts'
import type { BansInit } from '../bans/bans-init.ts'

/**
 * Who is banned for what
 */
export const BANS_OPTIONS = {
  bans: { strikes: ANY, halfLife: ANY, duration: ANY, peers: ANY, hosts: ANY }
} as const satisfies DescriptionOf<{ bans?: BansInit }>
