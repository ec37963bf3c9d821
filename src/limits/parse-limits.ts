import { peerIdFromString } from '@libp2p/peer-id'
import { Problems, join } from '../util/problems.ts'
import { isRecord } from '../util/validation.ts'
import { availableResources } from './available-resources.ts'
import { NAMED_KEYS, SCOPE_KEYS } from './limit-config.ts'
import { LIMIT_FIELDS } from './limit.ts'
import { SIZE_TEXT, readMemorySize } from './memory-size.ts'
import { TYPESCRIPT } from './spelling.ts'
import type { NamedKey, ParsedLimitConfig } from './limit-config.ts'
import type { Limit, LimitValue, ParsedLimits } from './limit.ts'
import type { Spelling } from './spelling.ts'

const LIMIT_VALUE = 'a whole number, "unlimited", "blockAll" or "default"'
const MEMORY_VALUE = `a whole number of bytes, ${SIZE_TEXT}, "unlimited", "blockAll" or "default"`

/**
 * Go's names begin with a capital, and ours never do
 */
const GO_NAME = /^[A-Z]/

/**
 * Go reads -1 as unlimited and -2 as blockAll: a file that has them came from
 * there, but other negative numbers are mistakes and all look alike
 */
const NEGATIVE_HINT = 'write "unlimited" for no limit, "blockAll" for nothing at all'

/**
 * Reports the keys of `value` that are not among `names`: a misspelt limit must not silently
 * have no effect
 */
export function checkKeys (value: Record<string, unknown>, names: readonly string[], path: string, spelling: Spelling, problems: Problems): void {
  for (const key of Object.keys(value)) {
    if (names.includes(key)) {
      continue
    }

    problems.addUnknown(join(path, key), key, names, spelling.hint?.(path, value[key]))
  }
}

/**
 * A value in its one normal form: undefined is the default, 0 is blockAll, and a number above
 * 2^53-1 is unlimited
 */
function parseValue (value: unknown, field: keyof Limit, path: string, spelling: Spelling, problems: Problems): LimitValue | undefined {
  if (value === undefined || value === 'default') {
    return undefined
  }

  if (value === 'unlimited' || value === 'blockAll') {
    return value
  }

  const read = spelling.read == null ? value : spelling.read(value)
  const amount = field === 'memory' && typeof read === 'string' ? readMemorySize(read, () => availableResources().memory) : read
  const expected = field === 'memory' ? MEMORY_VALUE : LIMIT_VALUE

  if (typeof amount !== 'number' || Number.isNaN(amount)) {
    problems.add(path, expected, value)
  } else if (amount < 0) {
    problems.add(path, expected, value, NEGATIVE_HINT)
  } else if (amount > Number.MAX_SAFE_INTEGER) {
    return 'unlimited'
  } else if (!Number.isInteger(amount)) {
    problems.add(path, expected, value)
  } else {
    return amount === 0 ? 'blockAll' : amount
  }
}

/**
 * The limits of one scope. Only the fields that differ from the default are set
 * in the result, in the order of `LIMIT_FIELDS`.
 */
export function parseResourceLimits (value: unknown, path: string, spelling: Spelling, problems: Problems): ParsedLimits {
  const limits: ParsedLimits = {}

  if (value === undefined) {
    return limits
  }

  if (!isRecord(value)) {
    problems.add(path, 'an object with limits', value)
    return limits
  }

  checkKeys(value, LIMIT_FIELDS.map(field => spelling.name(field)), path, spelling, problems)

  for (const field of LIMIT_FIELDS) {
    const name = spelling.name(field)
    const parsed = parseValue(value[name], field, join(path, name), spelling, problems)

    if (parsed !== undefined) {
      limits[field] = parsed
    }
  }

  return limits
}

/**
 * A peer id can be written in several ways, but scopes are looked up by one
 */
export function parsePeerKey (key: string, path: string, problems: Problems): string {
  try {
    return peerIdFromString(key).toString()
  } catch {
    problems.add(path, 'a peer id as key', key)
    return key
  }
}

/**
 * Reads one of the parts that are keyed by a name. The result has no prototype:
 * `constructor` and `__proto__` are names like any other.
 */
export function parseNamed <T> (kind: NamedKey, value: unknown, path: string, problems: Problems, parse: (entry: unknown, path: string) => T): Record<string, T> {
  const entries: Record<string, T> = Object.create(null)

  if (value === undefined) {
    return entries
  }

  if (!isRecord(value)) {
    problems.add(path, 'an object with limits by name', value)
    return entries
  }

  for (const name of Object.keys(value)) {
    if (value[name] === undefined) {
      continue
    }

    const entryPath = join(path, name)

    if (name.indexOf('*') !== name.lastIndexOf('*')) {
      problems.add(entryPath, 'one * at most', name)
    }

    const key = kind === 'peer' ? parsePeerKey(name, entryPath, problems) : name

    if (key in entries) {
      problems.add(entryPath, 'every peer once', name, `the same peer as ${key}`)
    }

    entries[key] = parse(value[name], entryPath)
  }

  return entries
}

/**
 * Reads limits as users write them. The result is a copy in which every value
 * is written in one way: `0` has become `'blockAll'`, numbers above 2^53-1 have
 * become `'unlimited'`, fields that are `'default'` are left out, and peer ids
 * are in their usual form.
 *
 * @param value
 * @param spelling - how it is written
 * @param problems - those that were found before
 * @throws {InvalidParametersError} listing every problem with its path
 */
export function parseLimits (value: unknown, spelling: Spelling = TYPESCRIPT, problems: Problems = new Problems('invalid limits')): ParsedLimitConfig {
  const config: ParsedLimitConfig = {}

  if (!isRecord(value)) {
    problems.add(spelling.root, 'an object with limits', value)
    problems.throwIfAny()
    return config
  }

  const names = [...SCOPE_KEYS, ...NAMED_KEYS].map(key => spelling.name(key))
  const keys = Object.keys(value)
  const goName = keys.some(key => names.includes(key)) ? undefined : keys.find(key => GO_NAME.test(key))

  if (spelling === TYPESCRIPT && goName != null) {
    // everything in it has another name
    problems.add(spelling.root, 'names such as "system"', goName, 'this is how files are written: use limitsFromJSON(text)')
    problems.throwIfAny()
  }

  checkKeys(value, names, spelling.root, spelling, problems)

  for (const key of SCOPE_KEYS) {
    const name = spelling.name(key)
    const limits = parseResourceLimits(value[name], join(spelling.root, name), spelling, problems)

    if (Object.keys(limits).length > 0) {
      config[key] = limits
    }
  }

  for (const key of NAMED_KEYS) {
    const name = spelling.name(key)
    const entries = parseNamed(key, value[name], join(spelling.root, name), problems, (entry, path) => {
      return parseResourceLimits(entry, path, spelling, problems)
    })

    if (Object.keys(entries).length > 0) {
      config[key] = entries
    }
  }

  problems.throwIfAny()

  return config
}
