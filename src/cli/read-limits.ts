import { extname } from 'node:path'
import { InvalidParametersError } from '@libp2p/interface'
import { limitsOfResources } from '../limits/kubo-resources.ts'
import { isKubo, settingsOf } from '../limits/kubo-settings.ts'
import { parseJSON } from '../limits/limits-json.ts'
import { limitsFromTOML } from '../limits/limits-toml.ts'
import { readKubo } from '../limits/options-from-kubo.ts'
import { parseFile } from '../limits/parse-file.ts'
import { FILE } from '../limits/spelling.ts'
import { printable } from '../util/printable.ts'
import { findDuplicateKey } from './duplicate-keys.ts'
import { InvalidInputError, inputName, readInput } from './read-input.ts'
import { styled, writeLine } from './terminal.ts'
import type { Terminal } from './terminal.ts'
import type { PartialLimitConfig } from '../limits/limit-config.ts'
import type { NoteListener } from '../util/problems.ts'

/**
 * Whether a text is TOML: by the name of its file, or by its beginning if the name does not
 * say, as with kubo's `config` and the standard input
 */
export function isTOML (path: string, text: string): boolean {
  switch (extname(path).toLowerCase()) {
    case '.toml':
      return true
    case '.json':
      return false
    default:
      // a list of what kubo has printed is JSON as well, and `[System]` is not
      return !/^\uFEFF?\s*(?:\{|\[\s*[{\]]|$)/.test(text)
  }
}

/**
 * Runs a function that reads a text, and makes its errors name the input
 *
 * @throws {InvalidInputError}
 */
export function named <T> (path: string, read: () => T): T {
  try {
    return read()
  } catch (err: any) {
    throw err.name === 'InvalidParametersError' ? new InvalidInputError(path, err) : err
  }
}

/**
 * Writes what somebody should know, and that is no result
 */
export function writeNote (terminal: Terminal, note: string): void {
  writeLine(terminal.stderr, `${styled(terminal.stderr, 'yellow', 'note:')} ${printable(note)}`)
}

/**
 * The value that a text in JSON stands for
 *
 * @throws {InvalidParametersError} if it is none, or an object has a key twice
 */
export function readJSON (text: string): unknown {
  const value = parseJSON(text)
  const duplicate = findDuplicateKey(text)

  if (duplicate !== undefined) {
    throw new InvalidParametersError(`${duplicate}: expected every key once, got it twice`)
  }

  return limitsOfResources(value)
}

/**
 * Checks what a configuration of kubo has beside limits, and gives its size as everybody reads it
 *
 * @throws {InvalidParametersError} listing every problem
 */
function checkKubo (value: unknown, zerosAreDefaults: boolean): unknown {
  if (isKubo(value)) {
    // notes are those of what is read
    const { maxMemory } = readKubo(value, undefined, { onNote: () => {} }, zerosAreDefaults).resourceManager
    const { manager } = settingsOf(value)
    const key = Object.keys(manager).find(key => key.toLowerCase() === 'maxmemory')

    if (key !== undefined && maxMemory !== undefined) {
      manager[key] = maxMemory
    }
  }

  return value
}

/**
 * The limits in a text of any shape
 *
 * @param path - where it is from
 * @param text
 * @param onNote - who is told of what is read in another way than it is written
 * @param zerosAreDefaults - whether 0 means the default, as it once did
 * @throws {InvalidInputError} listing every problem
 */
export function limitsIn (path: string, text: string, onNote: NoteListener, zerosAreDefaults = false): PartialLimitConfig {
  return named(path, () => isTOML(path, text) ? limitsFromTOML(text, { onNote }) : parseFile(checkKubo(readJSON(text), zerosAreDefaults), FILE, { onNote }, zerosAreDefaults))
}

/**
 * The limits in a file, or in the standard input for `-`, whatever its shape
 *
 * @param terminal
 * @param path
 * @param onNote - who is told of what is read in another way than it is written
 * @throws {CommandError} naming the input, if it cannot be read
 * @throws {InvalidInputError} listing every problem
 */
export async function readLimits (terminal: Terminal, path: string, onNote: NoteListener = (note) => { writeNote(terminal, `${inputName(path)}: ${note}`) }): Promise<PartialLimitConfig> {
  return limitsIn(path, await readInput(terminal, path), onNote)
}
