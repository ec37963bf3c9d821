import { styleText } from 'node:util'
import { EXIT } from './exit-codes.ts'
import type { ExitCode } from './exit-codes.ts'

/**
 * A stream that text is written to. A terminal has a width.
 */
export type Output = NodeJS.WritableStream & { columns?: number, rows?: number, isTTY?: boolean }

/**
 * The input and output of a command: those of the process, or of a test
 */
export interface Terminal {
  stdin: NodeJS.ReadableStream & { isTTY?: boolean }

  /** Results only, so that they can be piped */
  stdout: Output

  /** Errors, notes and progress */
  stderr: Output

  /** The exit code. Commands set it to `EXIT.NOT_FINE` if something is not fine. */
  exitCode: ExitCode
}

export function processTerminal (): Terminal {
  const { stdin, stdout, stderr } = process

  for (const output of [stdout, stderr]) {
    output.on('error', (err: NodeJS.ErrnoException) => {
      // whoever reads, such as `head`, has had enough
      if (err.code === 'EPIPE') {
        process.exit(EXIT.FINE)
      }

      // such as a full disk. Where errors go there as well, nobody can be told.
      if (output === stdout) {
        stderr.write(`error: the standard output cannot be written: ${err.message}\n`)
      }

      process.exit(EXIT.UNUSABLE)
    })
  }

  return { stdin, stdout, stderr, exitCode: EXIT.FINE }
}

type Style = Parameters<typeof styleText>[0]

/**
 * Text with colours where the output is a terminal that has them, and `NO_COLOR` is not set
 */
export function styled (output: Output, style: Style, text: string): string {
  // without `isTTY`, `FORCE_COLOR` and `NO_COLOR` still count
  return styleText(style, text, { stream: output })
}

/**
 * Writes text and the end of its line
 */
export function writeLine (output: Output, text: string): void {
  output.write(`${text}\n`)
}

/**
 * JSON has no infinity, and our files call it so
 */
function toJSON (_: string, value: unknown): unknown {
  return value === Infinity ? 'unlimited' : value
}

/**
 * Writes the result of a command that was called with `--json`. What is unlimited is
 * `"unlimited"`, as in files with limits.
 */
export function writeJSON (terminal: Terminal, value: unknown): void {
  writeLine(terminal.stdout, JSON.stringify(value, toJSON, 2))
}
