import { registerLimits } from './limits.ts'
import { registerExplain } from './node-explain.ts'
import { registerHolders } from './node-holders.ts'
import { registerRefusals } from './node-refusals.ts'
import { registerStat } from './node-stat.ts'
import { registerUsage } from './node-usage.ts'
import { registerReplay } from './replay.ts'
import { registerSuggest } from './suggest.ts'
import { registerTop } from './top.ts'
import type { Register } from './command.ts'

/**
 * The commands, in the order in which `--help` lists them
 */
export const COMMANDS: Register[] = [registerLimits, registerReplay, registerSuggest, registerTop, registerUsage, registerRefusals, registerHolders, registerStat, registerExplain]
