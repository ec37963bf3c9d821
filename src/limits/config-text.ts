import { NAMED_KEYS, SCOPE_KEYS } from './limit-config.ts'
import { LIMIT_FIELDS } from './limit.ts'
import { fileKey } from './spelling.ts'
import type { ParsedLimitConfig } from './limit-config.ts'
import type { ParsedLimits } from './limit.ts'

type FileLimits = Record<string, number | string>

/**
 * Makes `JSON.stringify` and `String` write a configuration as in go-libp2p's files, which
 * `limitsFromJSON` reads. JSON has no infinity, so an unlimited figure would become `null`
 * otherwise. The added methods do not show among the limits, and copies do not have them.
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
