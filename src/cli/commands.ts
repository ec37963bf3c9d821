import { registerLimits } from './limits.ts'
import type { Terminal } from './terminal.ts'
import type { Command } from 'commander'

/**
 * Adds a command to the program, or to a command that has others
 */
export type Register = (parent: Command, terminal: Terminal) => void

/**
 * The commands, in the order in which `--help` lists them
 */
export const COMMANDS: Register[] = [registerLimits]
