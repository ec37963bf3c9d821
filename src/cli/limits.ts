import { registerLimitsCheck } from './limits-check.ts'
import { registerLimitsConvert } from './limits-convert.ts'
import { registerLimitsDiff } from './limits-diff.ts'
import { registerLimitsGet } from './limits-get.ts'
import { registerLimitsSet } from './limits-set.ts'
import { registerLimitsShow } from './limits-show.ts'
import type { Register } from './command.ts'

/**
 * What can be done with limits, in the order in which `--help` lists it
 */
const LIMITS_COMMANDS: Register[] = [registerLimitsShow, registerLimitsCheck, registerLimitsDiff, registerLimitsConvert, registerLimitsGet, registerLimitsSet]

/**
 * `limits …`
 */
export const registerLimits: Register = (program, terminal) => {
  const limits = program.command('limits').description('limits, and files with limits')

  LIMITS_COMMANDS.forEach(register => { register(limits, terminal) })
}
