import { join } from '../util/problems.ts'
import { isRecord } from '../util/validation.ts'
import { dynamicMemory, isDynamic } from './dynamic-limits.ts'
import { NAMED_KEYS, SCOPE_KEYS } from './limit-config.ts'
import { LIMIT_FIELDS } from './limit.ts'
import { OLD_SECTIONS, hasDynamic, sectionsWithMemory } from './old-sections.ts'
import { isScaling, scaledSections } from './scaling-files.ts'
import { fileKey } from './spelling.ts'
import { unwrap } from './unwrap-limits.ts'
import type { NoteListener, Problems } from '../util/problems.ts'

/**
 * The content of a file in the usual shape
 */
export interface FileShape {
  /** `System` and its siblings, as go-libp2p's files have them now */
  sections: unknown

  /** Where they were found */
  path: string
}

type Sections = Record<string, unknown>

const SECTION_NAMES = [...SCOPE_KEYS, ...NAMED_KEYS].map(fileKey)
const FIELD_NAMES = LIMIT_FIELDS.map(fileKey)
const TOTALS = ['Streams', 'Conns', 'FD', 'Memory']
const DIRECTIONS = FIELD_NAMES.filter(name => !TOTALS.includes(name))
const NAMED = new Set<string>(NAMED_KEYS.map(fileKey))

/**
 * Names in any case, also in the plural for sections with names, as `ipfs swarm limit all`
 * printed them
 */
const SECTIONS = new Map([
  ...OLD_SECTIONS,
  ...SECTION_NAMES.map(name => [name.toLowerCase(), name] as const),
  ...[...NAMED].map(name => [`${name.toLowerCase()}s`, name] as const)
])
const FIELDS = new Map(FIELD_NAMES.map(name => [name.toLowerCase(), name]))

/**
 * The usage that `ipfs swarm resources` printed beside each limit, such as `ConnsUsage`
 */
function isUsage (key: string): boolean {
  const [field, rest] = key.toLowerCase().split('usage')

  return rest === '' && FIELDS.has(field)
}

/**
 * The same object with keys in the usual form, and without `null`, which Go writes for fields
 * that are not set
 */
function rename (value: Sections, names: ReadonlyMap<string, string>, path: string, problems: Problems): Sections {
  const renamed: Sections = Object.create(null)

  for (const [key, entry] of Object.entries(value)) {
    const name = names.get(key.toLowerCase()) ?? key

    if (name in renamed) {
      problems.add(join(path, key), `${name} once`, key)
    } else if (entry !== null) {
      renamed[name] = entry
    }
  }

  // not all code takes an object without a prototype for one
  return Object.fromEntries(Object.entries(renamed))
}

function isZero (limit: unknown): boolean {
  return limit === 0 || limit === '0'
}

/**
 * If all totals are 0 and the limit of a direction is not, the file is from the time when 0
 * meant the default
 */
function checkZeros (limits: Sections, path: string, problems: Problems): void {
  const totals = TOTALS.filter(total => limits[total] !== undefined)
  const above = DIRECTIONS.find(direction => Number(limits[direction]) > 0)

  if (totals.length > 1 && totals.every(total => isZero(limits[total])) && above != null) {
    problems.addText(`${path}: ${FIELD_NAMES.filter(name => isZero(limits[name])).join(', ')} are 0, which refuses everything, while ${above} is not (leave out what is to have its default, or write "blockAll"; the command limits convert --zeros-are-defaults does the first)`)
  }
}

/**
 * Who is told of notes about a file, and how zeros in it are read
 */
interface Reading {
  problems: Problems
  note: NoteListener
  zerosAreDefaults: boolean

  /** Where zeros were that are read as the default */
  zeros: string[]
}

function limitsOf (value: unknown, path: string, reading: Reading): unknown {
  if (!isRecord(value)) {
    return value
  }

  const { problems, note, zerosAreDefaults, zeros } = reading
  const usage = Object.keys(value).filter(isUsage)

  if (usage.length > 0) {
    note(`${path}: ${usage.join(', ')} ${usage.length === 1 ? 'is' : 'are'} what was in use, which is no limit`)
  }

  const limits = rename(Object.fromEntries(Object.entries(value).filter(([key]) => !usage.includes(key))), FIELDS, path, problems)
  const fixed = isDynamic(limits) ? dynamicMemory(limits, path, problems, note) : limits

  if (zerosAreDefaults) {
    zeros.push(...Object.keys(fixed).filter(key => isZero(fixed[key])).map(key => join(path, key)))

    return Object.fromEntries(Object.entries(fixed).filter(([, limit]) => !isZero(limit)))
  }

  checkZeros(fixed, path, problems)

  return fixed
}

function entriesOf (value: unknown, path: string, reading: Reading): unknown {
  if (!isRecord(value)) {
    return value
  }

  const entries: Sections = Object.create(null)

  for (const [name, entry] of Object.entries(value)) {
    if (entry !== null) {
      entries[name] = limitsOf(entry, join(path, name), reading)
    }
  }

  return entries
}

/**
 * Recognises files of other shapes than go-libp2p's limits have now, by what is in them, and
 * gives them that shape:
 *
 * - a configuration of kubo, or a part of one: what is under `Limits`
 * - the limits of one scope, as `ipfs swarm limit system` prints them: those of the system
 * - limits that scale, of go-libp2p 0.22 and later: scaled to this machine
 * - dynamic limits, of go-libp2p 0.18: the memory that they come to now, and its defaults
 * - keys in another case or in the plural, and `null`
 *
 * @param value - what is in a file
 * @param problems - what cannot be read
 * @param note - told of what is read in another way than it is written
 * @param zerosAreDefaults - whether 0 means the default, as it once did: where there are
 * dynamic limits, it does
 */
export function readShape (value: unknown, problems: Problems, note: NoteListener, zerosAreDefaults = false): FileShape {
  if (!isRecord(value)) {
    return { sections: value, path: '' }
  }

  const { sections: found, path } = unwrap(value, note)
  const keys = Object.keys(found)
  const isScope = keys.length > 0 && keys.every(key => FIELDS.has(key.toLowerCase()) || isUsage(key))

  if (isScope) {
    note('these are limits of one scope, and read as those of System')
  }

  const sections = isScope ? { System: found } : renamedSections(found, path, problems, note)
  const isOld = hasDynamic(sections)
  const reading: Reading = { problems, note, zerosAreDefaults: zerosAreDefaults || isOld, zeros: [] }

  for (const name of SECTION_NAMES) {
    if (Object.hasOwn(sections, name)) {
      const read = NAMED.has(name) ? entriesOf : limitsOf

      sections[name] = read(sections[name], isScope ? name : join(path, name), reading)
    }
  }

  noteZeros(reading.zeros, isOld, note)

  return { sections, path: isScope ? '' : path }
}

function renamedSections (found: Sections, path: string, problems: Problems, note: NoteListener): Sections {
  const old = sectionsWithMemory(found)
  const scaled = old == null && isScaling(found) ? scaledSections(found, path, problems, note) : old ?? found

  return rename(scaled, SECTIONS, path, problems)
}

/**
 * More are counted only: a line is to be read
 */
const MAX_ZEROS = 8

function noteZeros (zeros: readonly string[], isOld: boolean, note: NoteListener): void {
  if (zeros.length > 0) {
    const more = zeros.length > MAX_ZEROS ? ` and ${zeros.length - MAX_ZEROS} more` : ''

    note(`0 is read as the default${isOld ? ', which it meant when limits of memory were dynamic' : ''}: ${zeros.slice(0, MAX_ZEROS).join(', ')}${more}`)
  }
}
