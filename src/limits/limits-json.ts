import { InvalidParametersError } from '@libp2p/interface'
import { describe } from '../util/validation.ts'
import { findJSONError } from './json-error.ts'
import { NAMED_KEYS, SCOPE_KEYS } from './limit-config.ts'
import { LIMIT_FIELDS } from './limit.ts'
import { parseFile } from './parse-file.ts'
import { parseLimits } from './parse-limits.ts'
import { FILE, withoutMark } from './spelling.ts'
import type { ConcreteLimitConfig, PartialLimitConfig } from './limit-config.ts'
import type { LimitValue, ParsedLimits } from './limit.ts'
import type { LimitsFileOptions } from './parse-file.ts'

/**
 * Reads the JSON of go-libp2p's limit files:
 *
 * ```json
 * {
 *   "System": { "StreamsOutbound": "unlimited", "Memory": "1073741824" },
 *   "Peer": { "12D3KooW…": { "ConnsInbound": "blockAll" } }
 * }
 * ```
 *
 * `0` is the same as `"blockAll"`, `-1` as `"unlimited"` and `-2` as `"blockAll"`.
 * Numbers may be decimal strings, and `Memory` a size such as `"64MiB"`. Numbers
 * above 2^53-1, which go-libp2p and kubo use for infinity, are unlimited. What is
 * `null` is left out.
 *
 * Files of other shapes are recognised: a configuration of kubo, the limits of one
 * scope, limits that scale or are dynamic, keys in another case or in the plural.
 * What is not read as it is written there is said in a line.
 *
 * @throws {InvalidParametersError} listing every problem with its path, or naming
 * the line and the column where the text is not JSON
 */
export function limitsFromJSON (text: string, options?: LimitsFileOptions): PartialLimitConfig {
  return parseFile(parseJSON(text), FILE, options)
}

/**
 * The value that a text stands for
 *
 * @throws {InvalidParametersError} naming the line and the column where it is not JSON
 */
export function parseJSON (text: string): unknown {
  const json = withoutMark(text)

  try {
    return JSON.parse(json)
  } catch (err: any) {
    const error = typeof text === 'string' ? findJSONError(json) : undefined

    if (error == null) {
      throw new InvalidParametersError(`invalid JSON: ${err.message}`)
    }

    const got = error.got === '' ? 'the end of the text' : describe(error.got)

    throw new InvalidParametersError(`invalid JSON: line ${error.line}, column ${error.column}: expected ${error.expected}, got ${got}`)
  }
}

/**
 * Go writes these as escapes, so that JSON can be put into HTML
 */
const ESCAPED = /[<>&\u2028\u2029]/g

function quote (text: string): string {
  return JSON.stringify(text).replace(ESCAPED, char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/**
 * The members of an object as text, in the given order. `JSON.stringify` would
 * put keys that look like numbers first.
 */
function writeObject (members: Array<[key: string, json: string]>): string {
  if (members.length === 0) {
    return '{}'
  }

  const lines = members.map(([key, json]) => `${quote(key)}: ${json}`).join(',\n').replaceAll('\n', '\n  ')

  return `{\n  ${lines}\n}`
}

function writeValue (field: string, value: LimitValue): string {
  // memory may need 64 bits, which JSON does not promise to keep in a number
  return typeof value === 'number' && field !== 'memory' ? String(value) : quote(String(value))
}

function writeLimits (limits: ParsedLimits): string {
  const members: Array<[string, string]> = []

  for (const field of LIMIT_FIELDS) {
    const value = limits[field]

    if (value !== undefined) {
      members.push([FILE.name(field), writeValue(field, value)])
    }
  }

  return writeObject(members)
}

/**
 * Writes limits as go-libp2p does, with the same layout and the same order of
 * keys: defaults are left out, named entries come first and are sorted by name,
 * `Memory` is a decimal string.
 *
 * @throws {InvalidParametersError} listing every problem with its path
 */
export function limitsToJSON (config: PartialLimitConfig | ConcreteLimitConfig): string {
  const limits = parseLimits(config)
  const members: Array<[string, string]> = []

  for (const key of NAMED_KEYS) {
    const entries = Object.entries(limits[key] ?? {})

    if (entries.length > 0) {
      entries.sort(([a], [b]) => a < b ? -1 : 1)
      members.push([FILE.name(key), writeObject(entries.map(([name, entry]) => [name, writeLimits(entry)]))])
    }
  }

  for (const key of SCOPE_KEYS) {
    const entry = limits[key]

    if (entry != null) {
      members.push([FILE.name(key), writeLimits(entry)])
    }
  }

  return writeObject(members)
}
