import { readShape } from './file-shapes.ts'
import { parseLimits } from './parse-limits.ts'
import { Problems } from './problems.ts'
import type { NoteListener } from './file-shapes.ts'
import type { PartialLimitConfig } from './limit-config.ts'
import type { Spelling } from './spelling.ts'

export interface LimitsFileOptions {
  /**
   * Who is told, in one line each, of what is read in another way than it is written, such
   * as limits that scale, and of settings in a file that are no limits
   *
   * @default a warning of the process, with the code `RESOURCE_MANAGER_FILE`
   */
  onNote?: NoteListener
}

function warn (note: string): void {
  const { process } = globalThis as { process?: Partial<NodeJS.Process> }
  const message = `limits: ${note}`

  if (typeof process?.emitWarning === 'function') {
    process.emitWarning(message, { type: 'ResourceManagerWarning', code: 'RESOURCE_MANAGER_FILE' })
  } else {
    // eslint-disable-next-line no-console
    console.warn(message)
  }
}

/**
 * Reads what is in a file, whatever its shape
 *
 * @throws {InvalidParametersError} listing every problem with its path
 */
export function parseFile (value: unknown, spelling: Spelling, { onNote = warn }: LimitsFileOptions = {}): PartialLimitConfig {
  const problems = new Problems('invalid limits')
  const notes: string[] = []
  const { path, sections } = readShape(value, problems, (note) => { notes.push(note) })
  const limits = parseLimits(sections, { ...spelling, root: path }, problems)

  notes.forEach(note => { onNote(note) })

  return limits
}
