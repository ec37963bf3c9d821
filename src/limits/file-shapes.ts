import { isRecord } from '../util/is-record.ts'
import { join } from '../util/problems.ts'
import { dynamicMemory, isDynamic } from './dynamic-limits.ts'
import { NAMED_KEYS, SCOPE_KEYS } from './limit-config.ts'
import { LIMIT_FIELDS } from './limit.ts'
import { isScaling, scaledSections } from './scaling-files.ts'
import { fileKey } from './spelling.ts'
import type { NoteListener, Problems } from '../util/problems.ts'

/**
 * What a file comes to
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
 * Names in any case, and those of sections with names in the plural too, as
 * `ipfs swarm limit all` has printed them
 */
const SECTIONS = new Map([
  ...SECTION_NAMES.map(name => [name.toLowerCase(), name] as const),
  ...[...NAMED].map(name => [`${name.toLowerCase()}s`, name] as const)
])
const FIELDS = new Map(FIELD_NAMES.map(name => [name.toLowerCase(), name]))

/**
 * The value of a key, in any case
 */
function find (value: Sections, name: string): unknown {
  const key = Object.keys(value).find(key => key.toLowerCase() === name)

  return key == null ? undefined : value[key]
}

function has (value: Sections, name: string): boolean {
  return find(value, name) != null
}

/**
 * The same object with keys in the usual form, without those that are `null`: that is how
 * Go writes what is not set
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

  // what has no prototype is not looked at as an object everywhere
  return Object.fromEntries(Object.entries(renamed))
}

/**
 * Settings of kubo that are in its configuration beside the limits
 */
function besideLimits (manager: Sections, limits: Sections, path: string, note: NoteListener): Sections {
  const system = { ...isRecord(find(limits, 'system')) ? find(limits, 'system') as Sections : {} }

  for (const [setting, field] of [['MaxMemory', 'Memory'], ['MaxFileDescriptors', 'FD']] as const) {
    const value = find(manager, setting.toLowerCase())

    if (value == null) {
      continue
    }

    const isSet = has(system, field.toLowerCase())

    if (!isSet) {
      system[field] = value
    }

    note(`${join(path, setting)} is ${isSet ? 'not read beside' : 'read as'} System.${field}${field === 'Memory' ? ', and no other limit is derived from it: that is what the option maxMemory is for' : ''}`)
  }

  for (const [setting, option, says] of [['Enabled', 'enabled', find(manager, 'enabled') === false], ['Allowlist', 'allowlist', has(manager, 'allowlist')]] as const) {
    if (says) {
      note(`${join(path, setting)} is no limit: it is the option ${option}`)
    }
  }

  if (Object.keys(system).length === 0) {
    return limits
  }

  const key = Object.keys(limits).find(key => key.toLowerCase() === 'system') ?? 'System'

  return { ...limits, [key]: system }
}

/**
 * The limits in a whole configuration of kubo, in a part of one, or in a `Limits` of somebody
 * else
 */
function unwrap (value: Sections, note: NoteListener): { sections: Sections, path: string } {
  const swarm = find(value, 'swarm')
  const inSwarm = isRecord(swarm) ? find(swarm, 'resourcemgr') : undefined
  const inRoot = find(value, 'resourcemgr')
  const isManager = has(value, 'limits') || has(value, 'maxmemory') || has(value, 'maxfiledescriptors')
  const managers: Array<readonly [unknown, string]> = [[inSwarm, 'Swarm.ResourceMgr'], [inRoot, 'ResourceMgr'], [isManager ? value : undefined, '']]
  const [manager, path] = managers.find(([manager]) => isRecord(manager)) as [Sections, string] | undefined ?? [undefined, '']

  if (manager == null) {
    if (isRecord(swarm)) {
      note('Swarm has no ResourceMgr: there are no limits in this file')
    }

    return { sections: isRecord(swarm) ? {} : value, path: '' }
  }

  const limits = find(manager, 'limits')

  if (!isRecord(limits) && !has(manager, 'maxmemory') && !has(manager, 'maxfiledescriptors')) {
    note(`${path} has no Limits: there are no limits in this file`)
  }

  // what is in there is said where the limits are read
  return {
    sections: besideLimits(manager, isRecord(limits) ? limits : {}, path, note),
    path: isRecord(limits) ? join(path, 'Limits') : path
  }
}

/**
 * Where all totals are 0 and the limit of a direction is not, the file is from a time in
 * which 0 meant the default
 */
function checkZeros (limits: Sections, path: string, problems: Problems): void {
  const isZero = (field: string): boolean => limits[field] === 0 || limits[field] === '0'
  const totals = TOTALS.filter(total => limits[total] !== undefined)
  const above = DIRECTIONS.find(direction => Number(limits[direction]) > 0)

  if (totals.length > 1 && totals.every(isZero) && above != null) {
    problems.addText(`${path}: ${FIELD_NAMES.filter(isZero).join(', ')} are 0, which refuses everything, while ${above} is not (leave out what is to have its default, or write "blockAll")`)
  }
}

function limitsOf (value: unknown, path: string, problems: Problems, note: NoteListener): unknown {
  if (!isRecord(value)) {
    return value
  }

  const limits = rename(value, FIELDS, path, problems)

  if (isDynamic(limits)) {
    return dynamicMemory(limits, path, note)
  }

  checkZeros(limits, path, problems)

  return limits
}

function entriesOf (value: unknown, path: string, problems: Problems, note: NoteListener): unknown {
  if (!isRecord(value)) {
    return value
  }

  const entries: Sections = Object.create(null)

  for (const [name, entry] of Object.entries(value)) {
    if (entry !== null) {
      entries[name] = limitsOf(entry, join(path, name), problems, note)
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
 * - dynamic limits, of go-libp2p 0.18: the memory that they come to now
 * - keys in another case or in the plural, and `null`
 *
 * @param value - what is in a file
 * @param problems - what cannot be read
 * @param note - told of what is read in another way than it is written
 */
export function readShape (value: unknown, problems: Problems, note: NoteListener): FileShape {
  if (!isRecord(value)) {
    return { sections: value, path: '' }
  }

  const { sections: found, path } = unwrap(value, note)
  const keys = Object.keys(found)

  if (keys.length > 0 && keys.every(key => FIELDS.has(key.toLowerCase()))) {
    note('these are limits of one scope, and read as those of System')

    return { sections: { System: limitsOf(found, 'System', problems, note) }, path: '' }
  }

  const scaled = isScaling(found) ? scaledSections(found, path, problems, note) : found
  const sections = rename(scaled, SECTIONS, path, problems)

  for (const name of SECTION_NAMES) {
    if (Object.hasOwn(sections, name)) {
      const read = NAMED.has(name) ? entriesOf : limitsOf

      sections[name] = read(sections[name], join(path, name), problems, note)
    }
  }

  return { sections, path }
}
