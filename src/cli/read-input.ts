import { createReadStream } from 'node:fs'
import { CommandError } from './exit-codes.ts'
import type { Terminal } from './terminal.ts'

/**
 * The name that stands for the standard input where a file is expected
 */
export const STDIN = '-'

/**
 * Files with limits have some kB. More than this is the wrong file, and is not read on.
 */
export const MAX_INPUT_BYTES = 16 * 2 ** 20

const REASONS: Record<string, string> = {
  EACCES: 'a file that may be read (permission denied)',
  EISDIR: 'a file, got a directory',
  ENOENT: 'a file, but there is none of this name'
}

/**
 * How input is called in messages
 */
export function inputName (path: string): string {
  return path === STDIN ? 'standard input' : path
}

/**
 * The beginning of an `InvalidParametersError` that lists more than one problem, and the text
 * between them: see `Problems`
 */
const SUBJECT = /^invalid (?:limits|configuration):\s+/
const SEPARATOR = '\n  '

/**
 * Ends a command because of what is in its input
 */
export class InvalidInputError extends CommandError {
  static name = 'InvalidInputError'
  name = 'InvalidInputError'

  /** One line each */
  readonly problems: string[]

  constructor (path: string, { message }: Error) {
    super(`${inputName(path)}: ${message}`)
    this.problems = message.replace(SUBJECT, '').split(SEPARATOR)
  }
}

/**
 * The error for input that cannot be read, with the reason in words
 */
export function unreadable (path: string, err: any): CommandError {
  return err instanceof CommandError ? err : new CommandError(`${inputName(path)}: expected ${REASONS[err.code] ?? `something that can be read: ${err.message}`}`)
}

/**
 * The bytes of a file, or of the standard input for `-`, piece by piece: for files that may be
 * larger than memory
 *
 * @throws {CommandError} naming the input, if it cannot be read
 */
export async function * inputChunks (terminal: Terminal, path: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of path === STDIN ? terminal.stdin : createReadStream(path)) {
      yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    }
  } catch (err: any) {
    throw unreadable(path, err)
  }
}

/**
 * Editors on Windows write UTF-16 as well, with a mark by which it is recognised
 */
function encodingOf (bytes: Uint8Array): string {
  switch (bytes.length < 2 ? 0 : bytes[0] << 8 | bytes[1]) {
    case 0xfffe:
      return 'utf-16le'
    case 0xfeff:
      return 'utf-16be'
    default:
      return 'utf-8'
  }
}

/**
 * The text of a file, or of the standard input for `-`: UTF-8, or UTF-16 with a byte order
 * mark
 *
 * @throws {CommandError} naming the input, if it cannot be read, is no text, or has more than
 * `MAX_INPUT_BYTES`
 */
export async function readInput (terminal: Terminal, path: string): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0

  for await (const chunk of inputChunks(terminal, path)) {
    size += chunk.byteLength

    if (size > MAX_INPUT_BYTES) {
      throw new CommandError(`${inputName(path)}: expected at most ${MAX_INPUT_BYTES / 2 ** 20} MiB, got more`)
    }

    chunks.push(chunk)
  }

  const bytes = Buffer.concat(chunks)
  const encoding = encodingOf(bytes)

  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch {
    throw new CommandError(`${inputName(path)}: expected text in UTF-8, or in UTF-16 with a byte order mark, got something else`)
  }
}
