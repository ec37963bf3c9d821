import { join } from '../util/problems.ts'
import { isRecord } from '../util/validation.ts'
import type { NoteListener } from '../util/problems.ts'

type Sections = Record<string, unknown>

/**
 * The value of a key, in any case
 */
export function find (value: Sections, name: string): unknown {
  const key = Object.keys(value).find(key => key.toLowerCase() === name)

  return key == null ? undefined : value[key]
}

export function has (value: Sections, name: string): boolean {
  return find(value, name) != null
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
 * The settings of the resource manager in a whole configuration of kubo, in a part of one, or
 * by themselves, and where they are
 */
export function findManager (value: Sections): { manager: Sections, path: string } | undefined {
  const swarm = find(value, 'swarm')
  const inSwarm = isRecord(swarm) ? find(swarm, 'resourcemgr') : undefined
  const inRoot = find(value, 'resourcemgr')
  const isManager = has(value, 'limits') || has(value, 'maxmemory') || has(value, 'maxfiledescriptors')
  const managers: Array<readonly [unknown, string]> = [[inSwarm, 'Swarm.ResourceMgr'], [inRoot, 'ResourceMgr'], [isManager ? value : undefined, '']]
  const [manager, path] = managers.find(([manager]) => isRecord(manager)) ?? []

  return isRecord(manager) && path !== undefined ? { manager, path } : undefined
}

/**
 * The limits in a whole configuration of kubo, in a part of one, or in a `Limits` of somebody
 * else
 */
export function unwrap (value: Sections, note: NoteListener): { sections: Sections, path: string } {
  const swarm = find(value, 'swarm')
  const found = findManager(value)

  if (found == null) {
    if (isRecord(swarm)) {
      note('Swarm has no ResourceMgr: there are no limits in this file')
    }

    return { sections: isRecord(swarm) ? {} : value, path: '' }
  }

  const { manager, path } = found
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
