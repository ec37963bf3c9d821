import { ANY } from './description.ts'
import type { DescriptionOf } from './description.ts'
import type { ResourceManagerInit } from '../resource-manager-init.ts'

/**
 * Who is banned for what
 */
export const BANS_OPTIONS = {
  bans: { strikes: ANY, halfLife: ANY, duration: ANY, peers: ANY, hosts: ANY }
} as const satisfies DescriptionOf<Pick<ResourceManagerInit, 'bans'>>
