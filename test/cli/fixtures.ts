import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { EXIT } from '../../src/cli/exit-codes.ts'
import { run } from '../../src/cli/run.ts'

export interface Ran {
  exitCode: number
  stdout: string
  stderr: string
}

/**
 * Runs the command in this process
 *
 * @param args - what follows its name
 * @param input - what it reads from the standard input
 */
export async function runCommand (args: string[], input: string | Uint8Array = ''): Promise<Ran> {
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  const outputs = Promise.all([text(stdout), text(stderr)])
  const exitCode = await run(args, { stdin: Readable.from([Buffer.from(input)]), stdout, stderr, exitCode: EXIT.FINE })

  stdout.end()
  stderr.end()

  const [out, err] = await outputs

  return { exitCode, stdout: out, stderr: err }
}
