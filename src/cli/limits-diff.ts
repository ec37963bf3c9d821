import { limitChanges } from '../limits/limit-changes.ts'
import { addCommand } from './command.ts'
import { CommandError, EXIT } from './exit-codes.ts'
import { formatFigure } from './figure.ts'
import { limitsInForce } from './limits-in-force.ts'
import { addLimitsOptions, limitSettings } from './limits-options.ts'
import { STDIN } from './read-input.ts'
import { writeTable } from './table.ts'
import { writeJSON, writeLine } from './terminal.ts'
import type { Register } from './command.ts'
import type { LimitsOptions } from './limits-options.ts'

/**
 * `limits diff`
 */
export const registerLimitsDiff: Register = (limits, terminal) => {
  const command = addCommand(limits, 'diff <a> <b>', {
    summary: 'in which limits two files differ, with everything that follows from them',
    description: 'Lists the limits that would be others on this machine with the second file, those that follow from what is in the files included.',
    examples: [
      'libp2p-resource-manager limits diff old.json new.json',
      'libp2p-resource-manager limits diff old.json new.toml --max-memory 1GiB',
      'git show HEAD:limits.json | libp2p-resource-manager limits diff - limits.json'
    ],
    exitCodes: { [EXIT.FINE]: 'no limit differs', [EXIT.NOT_FINE]: 'some do' }
  })

  addLimitsOptions(command).action(async (a: string, b: string, options: LimitsOptions) => {
    if (a === STDIN && b === STDIN) {
      throw new CommandError('b: expected a file, as the standard input is a, got "-"')
    }

    const [before, after] = [await limitSettings(terminal, a, options), await limitSettings(terminal, b, options)].map(limitsInForce)
    const changes = limitChanges(before, after)

    terminal.exitCode = changes.length === 0 ? EXIT.FINE : EXIT.NOT_FINE

    if (options.json === true) {
      writeJSON(terminal, changes)
    } else if (changes.length === 0) {
      writeLine(terminal.stdout, 'no limit differs')
    } else {
      writeTable(terminal, ['limit', { title: 'a', align: 'right' }, { title: 'b', align: 'right' }], changes.map(({ setting, from, to }) => {
        return [setting, formatFigure(setting, from), formatFigure(setting, to)]
      }))
    }
  })
}
