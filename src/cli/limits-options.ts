import { InvalidArgumentError } from 'commander'
import { availableResources } from '../limits/available-resources.ts'
import { readLimits } from './read-limits.ts'
import type { CommonOptions } from './command.ts'
import type { LimitSettings } from './limits-in-force.ts'
import type { Terminal } from './terminal.ts'
import type { ProfileName } from '../limits/profiles.ts'
import type { NoteListener } from '../util/problems.ts'
import type { Command } from 'commander'

/**
 * Options of what works out limits
 */
export interface LimitsOptions extends CommonOptions {
  profile?: ProfileName
  maxMemory?: string | number
  maxConnections?: number
  connectionManager: number
  standAlone?: boolean
}

/**
 * libp2p's default for `maxConnections` of the connection manager in Node.js
 */
const CONNECTION_MANAGER = 300

function wholeNumber (text: string): number {
  if (!/^\d+$/.test(text)) {
    throw new InvalidArgumentError('Expected a whole number.')
  }

  return Number(text)
}

/**
 * A number without a unit is one of bytes
 */
function size (text: string): string | number {
  return /^\d+$/.test(text) ? Number(text) : text
}

/**
 * Adds the options that stand for many limits. Their values are checked where they are used.
 */
export function addLimitsOptions (command: Command): Command {
  return command
    .option('--profile <name>', 'what the node is for: relay, server, desktop or browser')
    .option('--max-memory <size>', 'as the option maxMemory: 512MiB, 1.5GB, 25% or a number of bytes', size)
    .option('--max-connections <n>', 'as the option maxConnections', wholeNumber)
    .option('--connection-manager <n>', 'maxConnections of libp2p\'s connection manager, which nodes raise their limits to', wholeNumber, CONNECTION_MANAGER)
    .option('--stand-alone', 'for a resource manager without a node')
}

/**
 * Everything that limits follow from, on this machine
 *
 * @param terminal
 * @param path - a file with limits
 * @param options
 * @param onNote - is called with a line for everything that is read differently than it is
 * written
 * @throws {CommandError} naming the file, if it is not valid
 */
export async function limitSettings (terminal: Terminal, path: string | undefined, options: LimitsOptions, onNote?: NoteListener): Promise<LimitSettings> {
  const { profile, maxMemory, maxConnections, connectionManager, standAlone } = options

  return {
    profile,
    maxMemory,
    maxConnections,
    file: path === undefined ? undefined : await readLimits(terminal, path, onNote),
    connectionManager: standAlone === true ? undefined : connectionManager,
    machine: availableResources()
  }
}
