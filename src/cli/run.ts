/**
 * The command `libp2p-resource-manager`.
 *
 * In: arguments, files, standard input, and the admin server of a running node.
 * Out: text for people, or JSON, on standard output, and an exit code (`exit-codes.ts`).
 * Fails: a message on standard error that says what was expected, and its exit code. Only a bug
 * shows a stack trace.
 * Costs: files are read line by line, so memory does not grow with a trace.
 */

import { Command, CommanderError } from 'commander'
import { EXIT, CommandError } from './exit-codes.ts'
import { registerLimits } from './limits.ts'
import { registerExplain } from './node-explain.ts'
import { registerHolders } from './node-holders.ts'
import { registerRefusals } from './node-refusals.ts'
import { registerStat } from './node-stat.ts'
import { registerUsage } from './node-usage.ts'
import { packageVersion } from './package-version.ts'
import { registerReplay } from './replay.ts'
import { registerSuggest } from './suggest.ts'
import { styled, writeLine } from './terminal.ts'
import { registerTop } from './top.ts'
import type { Register } from './command.ts'
import type { ExitCode } from './exit-codes.ts'
import type { Terminal } from './terminal.ts'

/**
 * The commands, in the order in which `--help` lists them
 */
const COMMANDS: Register[] = [registerLimits, registerReplay, registerSuggest, registerTop, registerUsage, registerRefusals, registerHolders, registerStat, registerExplain]

const NAME = 'libp2p-resource-manager'

function createProgram (terminal: Terminal): Command {
  const { stdout, stderr } = terminal

  const program = new Command(NAME)
    .description('Limits of libp2p nodes: shows, checks, compares and converts them, and looks at running nodes.')
    .version(packageVersion(), '--version', 'print the version of the package')
    .exitOverride()
    .configureHelp({ helpWidth: Math.min(stdout.columns ?? 80, 100) })
    .configureOutput({
      writeOut: (text) => { stdout.write(text) },
      writeErr: (text) => { stderr.write(text) },
      outputError: () => {},
      getOutHelpWidth: () => stdout.columns ?? 80,
      getErrHelpWidth: () => stderr.columns ?? 80
    })

  // commands inherit the settings above when they are added
  COMMANDS.forEach(register => { register(program, terminal) })

  return program
}

/**
 * The exit code and the message for an error
 */
function explain (err: any): { exitCode: ExitCode, message: string } {
  if (err instanceof CommandError) {
    return { exitCode: err.exitCode, message: err.message }
  }

  if (err instanceof CommanderError) {
    // where a command is missing, its help was written in place of a message
    const message = err.code === 'commander.help' ? '' : err.message.replace(/^error: /, '')

    return { exitCode: err.exitCode === 0 ? EXIT.FINE : EXIT.UNUSABLE, message }
  }

  // by its name, as it is one of our own as well as of libp2p
  return err?.name === 'InvalidParametersError'
    ? { exitCode: EXIT.UNUSABLE, message: err.message }
    : { exitCode: EXIT.INTERNAL, message: `unexpected: ${err?.stack ?? err}` }
}

/**
 * Runs the command
 *
 * @param args - the arguments after its name
 * @returns the exit code of the process
 */
export async function run (args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  try {
    await createProgram(terminal).parseAsync(args, { from: 'user' })
  } catch (err: any) {
    const { exitCode, message } = explain(err)

    if (exitCode !== EXIT.FINE && message !== '') {
      writeLine(terminal.stderr, `${styled(terminal.stderr, 'red', 'error:')} ${message}`)
    }

    return exitCode
  }

  return terminal.exitCode
}
