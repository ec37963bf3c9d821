import { registerLimits } from './limits.ts'
import type { Register } from './command.ts'

/**
 * The commands, in the order in which `--help` lists them
 */
export const COMMANDS: Register[] = [registerLimits]
