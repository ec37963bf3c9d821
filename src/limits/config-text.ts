import { NAMED_KEYS, SCOPE_KEYS } from './limit-config.ts'
import { LIMIT_FIELDS } from './limit.ts'
import { fileKey } from './spelling.ts'
import type { ParsedLimitConfig } from './limit-config.ts'
import type { ParsedLimits } from './limit.ts'

type FileLimits = Record<string, number | string>

/**
 * Has `JSON.stringify` and `String` write a configuration as go-libp2p's files have it, which
 * is what `limitsFromJSON` reads. Otherwise what is unlimited would become `null`, as JSON
 * has no infinity. What is added does not show among the limits, and copies do not have it.
 *
 * @returns the same configuration
 */
export function withText <T extends ParsedLimitConfig> (config: T): T {
  return Object.defineProperties(config, {
    toJSON: { value: () => toFile(config) },
    toString: { value: () => JSON.stringify(config) }
  })
}

function toFile (config: ParsedLimitConfig): Record<string, FileLimits | Record<string, FileLimits>> {
  const file: Record<string, FileLimits | Record<string, FileLimits>> = {}

  for (const key of NAMED_KEYS) {
    const entries = Object.entries(config[key] ?? {})

    if (entries.length > 0) {
      // what remote peers and users call things is not looked up in a prototype
      file[fileKey(key)] = Object.fromEntries(entries.map(([name, limits]) => [name, toFileLimits(limits)]))
    }
  }

  for (const key of SCOPE_KEYS) {
    const limits = config[key]

    if (limits != null) {
      file[fileKey(key)] = toFileLimits(limits)
    }
  }

  return file
}

function toFileLimits (limits: ParsedLimits): FileLimits {
  const file: FileLimits = {}

  for (const field of LIMIT_FIELDS) {
    const value = limits[field]

    if (value != null && value !== 'default') {
      file[fileKey(field)] = toFileValue(value, field === 'memory')
    }
  }

  return file
}

/**
 * Memory may need 64 bits, which JSON does not promise to keep in a number
 */
function toFileValue (value: number | string, isMemory: boolean): number | string {
  switch (value) {
    case Infinity:
      return 'unlimited'
    case 0:
      return 'blockAll'
    default:
      return isMemory ? String(value) : value
  }
}
