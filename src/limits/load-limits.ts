import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { InvalidParametersError } from '@libp2p/interface'
import { invalid } from '../util/validation.ts'
import { limitsFromJSON } from './limits-json.ts'
import { limitsFromTOML } from './limits-toml.ts'
import { warn } from './parse-file.ts'
import type { PartialLimitConfig } from './limit-config.ts'
import type { LimitsFileOptions } from './parse-file.ts'

type Reader = (text: string, options?: LimitsFileOptions) => PartialLimitConfig

const READERS: Record<string, Reader> = {
  '.json': limitsFromJSON,
  '.toml': limitsFromTOML
}

/**
 * The function that reads files with the extension of `path`
 *
 * @throws {InvalidParametersError} if there is none
 */
function readerFor (path: string): Reader {
  const extension = typeof path === 'string' ? extname(path).toLowerCase() : ''

  if (!Object.hasOwn(READERS, extension)) {
    throw invalid('path', 'a file that ends in .json or .toml', path)
  }

  return READERS[extension]
}

/**
 * Reads limits from a file: `limitsFromJSON` if its name ends in `.json`,
 * `limitsFromTOML` if it ends in `.toml`
 *
 * @throws {InvalidParametersError} naming the file, if it cannot be read or is
 * not valid
 */
export async function loadLimits (path: string, options: LimitsFileOptions = {}): Promise<PartialLimitConfig> {
  const parse = readerFor(path)
  const { onNote = warn } = options
  let text: string

  try {
    text = await readFile(path, 'utf8')
  } catch (err: any) {
    throw new InvalidParametersError(`${path}: expected a file that can be read: ${err.message}`)
  }

  try {
    return parse(text, { ...options, onNote: (note) => { onNote(`${path}: ${note}`) } })
  } catch (err: any) {
    throw new InvalidParametersError(`${path}: ${err.message}`)
  }
}
