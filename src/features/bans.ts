import { BANS_OPTIONS, resolveBans } from '../bans/bans-init.ts'
import { NodeBans } from '../libp2p/connections/node-bans.ts'

/**
 * Bans those who go on doing what they must not: the option `bans`, `manager.bans` and
 * `manager.report`
 */
export const bans = { NodeBans, resolveBans, options: BANS_OPTIONS }
