import { InvalidArgumentError } from 'commander'
import { availableResources } from '../limits/available-resources.ts'
import { formatMemorySize } from '../limits/memory-size.ts'
import { fileKey } from '../limits/spelling.ts'
import { join } from '../util/problems.ts'
import { addCommand } from './command.ts'
import { figuresOf, limitsInForce, originsOf } from './limits-in-force.ts'
import { readLimits } from './read-limits.ts'
import { tableLines } from './table.ts'
import { styled, writeJSON, writeLine } from './terminal.ts'
import type { CommonOptions } from './command.ts'
import type { Register } from './commands.ts'
import type { LimitFigure, LimitSettings, Origin } from './limits-in-force.ts'
import type { Terminal } from './terminal.ts'
import type { ProfileName } from '../limits/profiles.ts'
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
 * Adds the options that stand for many limits. What they may be is checked where they are
 * used.
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
 * What limits follow from, on this machine
 *
 * @throws {CommandError} naming the file, if it is not valid
 */
export async function limitSettings (terminal: Terminal, path: string | undefined, { profile, maxMemory, maxConnections, connectionManager, standAlone }: LimitsOptions): Promise<LimitSettings> {
  return {
    profile,
    maxMemory,
    maxConnections,
    file: path === undefined ? undefined : await readLimits(terminal, path),
    connectionManager: standAlone === true ? undefined : connectionManager,
    machine: availableResources()
  }
}

const ORIGINS: Record<Origin, string> = {
  file: 'file',
  maxMemory: 'maxMemory',
  maxConnections: 'maxConnections',
  profile: 'profile',
  connectionManager: 'connection manager',
  machine: 'default, scaled'
}

/**
 * Where a figure comes from, in words. The machine goes without saying beside something that
 * somebody has set.
 */
export function originText (origins: ReadonlySet<Origin> = new Set()): string {
  const set = [...origins].filter(origin => origin !== 'machine')

  if (set.length === 0) {
    return origins.size === 0 ? 'default' : ORIGINS.machine
  }

  return set.map(origin => ORIGINS[origin]).join(', ')
}

export function figureText ({ field, value }: Pick<LimitFigure, 'field' | 'value'>): string {
  if (value === Infinity) {
    return 'unlimited'
  }

  return field === 'memory' ? formatMemorySize(value) : String(value)
}

interface ShownFigure extends LimitFigure {
  origin: string
}

function scopeText ({ key, name }: LimitFigure): string {
  return name === undefined ? fileKey(key) : join(fileKey(key), name)
}

function writeTable (terminal: Terminal, figures: readonly ShownFigure[]): void {
  const rows = figures.map((figure, i) => {
    const scope = scopeText(figure)

    return [i > 0 && scopeText(figures[i - 1]) === scope ? '' : scope, fileKey(figure.field), figureText(figure), figure.origin]
  })
  const [title, ...lines] = tableLines(['scope', 'limit', { title: 'figure', align: 'right' }, 'from'], rows)

  writeLine(terminal.stdout, styled(terminal.stdout, 'bold', title))
  lines.forEach(line => { writeLine(terminal.stdout, line) })
}

/**
 * `limits show`
 */
export const registerLimitsShow: Register = (limits, terminal) => {
  const command = addCommand(limits, 'show [file]', {
    summary: 'the limits that would be in force on this machine, and where each comes from',
    examples: [
      'libp2p-resource-manager limits show',
      'libp2p-resource-manager limits show limits.json',
      'libp2p-resource-manager limits show --profile server --max-connections 2000',
      'libp2p-resource-manager limits show limits.json --json | jq \'.[] | select(.origin == "file")\''
    ]
  })

  addLimitsOptions(command).action(async (path: string | undefined, options: LimitsOptions) => {
    const settings = await limitSettings(terminal, path, options)
    const figures = figuresOf(limitsInForce(settings))
    const origins = originsOf(settings)
    const shown = figures.map(figure => ({ ...figure, origin: originText(origins.get(figure.setting)) }))

    if (options.json === true) {
      writeJSON(terminal, shown.map(({ setting, value, origin }) => ({ setting, value, origin })))
    } else {
      writeTable(terminal, shown)
    }
  })
}
