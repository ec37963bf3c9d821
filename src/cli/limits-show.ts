import { fileKey } from '../limits/spelling.ts'
import { join } from '../util/problems.ts'
import { addCommand } from './command.ts'
import { formatFigure } from './figure.ts'
import { figuresOf, limitsInForce, originsOf } from './limits-in-force.ts'
import { addLimitsOptions, limitSettings } from './limits-options.ts'
import { writeTable } from './table.ts'
import { writeJSON, writeLine } from './terminal.ts'
import type { Register } from './command.ts'
import type { LimitFigure, Origin } from './limits-in-force.ts'
import type { LimitsOptions } from './limits-options.ts'
import type { Terminal } from './terminal.ts'

const ORIGINS: Record<Origin, string> = {
  file: 'file',
  maxMemory: 'maxMemory',
  maxConnections: 'maxConnections',
  profile: 'profile',
  connectionManager: 'connection manager',
  machine: 'default, scaled'
}

/**
 * Where a figure comes from, in words. The machine is left out beside something that somebody
 * has set.
 */
export function originText (origins: ReadonlySet<Origin> = new Set()): string {
  const set = [...origins].filter(origin => origin !== 'machine')

  if (set.length === 0) {
    return origins.size === 0 ? 'default' : ORIGINS.machine
  }

  return set.map(origin => ORIGINS[origin]).join(', ')
}

interface ShownFigure extends LimitFigure {
  origins?: ReadonlySet<Origin>
}

function scopeText ({ key, name }: LimitFigure): string {
  return name === undefined ? fileKey(key) : join(fileKey(key), name)
}

/**
 * The figures of scopes, without well-known services and protocols that nobody has set: there
 * are many, and people seldom ask for them
 */
function withoutWellKnown (figures: readonly ShownFigure[]): ShownFigure[] {
  const set = new Set(figures.filter(({ origins }) => origins?.has('file') === true).map(scopeText))

  return figures.filter(figure => figure.name === undefined || set.has(scopeText(figure)))
}

function countScopes (figures: readonly ShownFigure[]): number {
  return new Set(figures.map(scopeText)).size
}

function writeFigures (terminal: Terminal, figures: readonly ShownFigure[], all: boolean): void {
  const listed = all ? figures : withoutWellKnown(figures)
  const left = countScopes(figures) - countScopes(listed)

  writeTable(terminal, ['scope', 'limit', { title: 'figure', align: 'right' }, 'from'], listed.map((figure, i) => {
    const scope = scopeText(figure)

    return [i > 0 && scopeText(listed[i - 1]) === scope ? '' : scope, fileKey(figure.field), formatFigure(figure.field, figure.value), originText(figure.origins)]
  }))

  if (left > 0) {
    writeLine(terminal.stdout, `\n${left} well-known services and protocols have limits of their own: --all lists them`)
  }
}

interface ShowOptions extends LimitsOptions {
  all?: boolean
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

  addLimitsOptions(command).option('--all', 'list well-known services and protocols too, as --json does').action(async (path: string | undefined, options: ShowOptions) => {
    const settings = await limitSettings(terminal, path, options)
    const figures = figuresOf(limitsInForce(settings))
    const origins = originsOf(settings)
    const shown = figures.map(figure => ({ ...figure, origins: origins.get(figure.setting) }))

    if (options.json === true) {
      writeJSON(terminal, shown.map(({ setting, value, origins }) => ({ setting, value, origin: originText(origins) })))
    } else {
      writeFigures(terminal, shown, options.all === true)
    }
  })
}
