import { fileKey } from '../limits/spelling.ts'
import { join } from '../util/problems.ts'
import { addCommand } from './command.ts'
import { formatFigure } from './figure.ts'
import { figuresOf, limitsInForce, originsOf } from './limits-in-force.ts'
import { addLimitsOptions, limitSettings } from './limits-options.ts'
import { writeTable } from './table.ts'
import { writeJSON } from './terminal.ts'
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

interface ShownFigure extends LimitFigure {
  origin: string
}

function scopeText ({ key, name }: LimitFigure): string {
  return name === undefined ? fileKey(key) : join(fileKey(key), name)
}

function writeFigures (terminal: Terminal, figures: readonly ShownFigure[]): void {
  writeTable(terminal, ['scope', 'limit', { title: 'figure', align: 'right' }, 'from'], figures.map((figure, i) => {
    const scope = scopeText(figure)

    return [i > 0 && scopeText(figures[i - 1]) === scope ? '' : scope, fileKey(figure.field), formatFigure(figure.field, figure.value), figure.origin]
  }))
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
      writeFigures(terminal, shown)
    }
  })
}
