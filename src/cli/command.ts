import { EXIT } from './exit-codes.ts'
import type { Terminal } from './terminal.ts'
import type { Command } from 'commander'

/**
 * Adds a command to the program, or to a command that has others
 */
export type Register = (parent: Command, terminal: Terminal) => void

/**
 * What every command has
 */
export interface CommonOptions {
  /** Write the result as JSON */
  json?: boolean
}

export interface CommandDescription {
  /** One line for the list of commands */
  summary: string

  /** More than one line, for `--help` of the command */
  description?: string

  /** Command lines that work, without `npx` */
  examples: string[]

  /** What the exit codes mean here, where it is not obvious */
  exitCodes?: Partial<Record<number, string>>
}

const EXIT_CODES: Record<number, string> = {
  [EXIT.FINE]: 'fine',
  [EXIT.UNUSABLE]: 'wrong usage, or input that cannot be read'
}

/**
 * Adds a command with what all commands have: `--json`, examples and exit codes
 *
 * @param parent - the program, or a command with commands of its own such as `limits`
 * @param nameAndArguments - as commander has it, such as `diff <a> <b>`
 */
export function addCommand (parent: Command, nameAndArguments: string, { summary, description, examples, exitCodes }: CommandDescription): Command {
  const codes = Object.entries({ ...EXIT_CODES, ...exitCodes }).map(([code, meaning]) => `  ${code}  ${meaning}`)

  return parent.command(nameAndArguments)
    .summary(summary)
    .description(description ?? summary)
    .option('--json', 'write the result as JSON')
    .addHelpText('after', `\nExamples:\n${examples.map(example => `  $ ${example}`).join('\n')}\n\nExit codes:\n${codes.join('\n')}`)
}
