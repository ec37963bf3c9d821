import { ANY, checkDescribed } from '../util/description.ts'
import { Problems } from '../util/problems.ts'
import { emitProcessWarning } from '../util/process-warnings.ts'
import { withText } from './config-text.ts'
import { readShape } from './file-shapes.ts'
import { parseLimits } from './parse-limits.ts'
import type { PartialLimitConfig } from './limit-config.ts'
import type { Spelling } from './spelling.ts'
import type { DescriptionOf } from '../util/description.ts'
import type { NoteListener } from '../util/problems.ts'

/**
 * Options of what reads files with limits
 */
export interface LimitsFileOptions {
  /**
   * Is called with one line for everything that is read differently than it is written, such as
   * limits that scale, and for settings in a file that are no limits
   *
   * @default a warning of the process, with the code `RESOURCE_MANAGER_FILE`
   */
  onNote?: NoteListener
}

const OPTIONS = { onNote: ANY } as const satisfies DescriptionOf<LimitsFileOptions>

/**
 * Where notes go that nobody else wants
 */
export function warn (note: string): void {
  emitProcessWarning(`limits: ${note}`, 'RESOURCE_MANAGER_FILE')
}

/**
 * Reads what is in a file, whatever its shape
 *
 * @param value
 * @param spelling
 * @param options
 * @param zerosAreDefaults - whether the file is from a time in which 0 meant the default
 * @throws {InvalidParametersError} listing every problem with its path
 */
export function parseFile (value: unknown, spelling: Spelling, options: LimitsFileOptions = {}, zerosAreDefaults = false): PartialLimitConfig {
  checkDescribed('options', options, OPTIONS)

  const { onNote = warn } = options
  const problems = new Problems('invalid limits')
  const notes: string[] = []
  const { path, sections } = readShape(value, problems, (note) => { notes.push(note) }, zerosAreDefaults)
  const limits = parseLimits(sections, { ...spelling, root: path }, problems)

  notes.forEach(note => { onNote(note) })

  return withText(limits)
}
