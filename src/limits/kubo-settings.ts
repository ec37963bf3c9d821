import { InvalidParametersError } from '@libp2p/interface'
import { nearestName } from '../util/did-you-mean.ts'
import { join } from '../util/problems.ts'
import { toMultiaddr } from '../util/to-multiaddr.ts'
import { isRecord } from '../util/validation.ts'
import { readMemorySize } from './memory-size.ts'
import { find, findManager } from './unwrap-limits.ts'
import type { NoteListener, Problems } from '../util/problems.ts'

export type Settings = Record<string, unknown>

export interface KuboSettings {
  root: Settings
  swarm: Settings
  swarmPath: string
  manager: Settings
  path: string
}

/**
 * Whether a value is a configuration of kubo, or a part of one
 */
export function isKubo (value: unknown): value is Settings {
  return isRecord(value) && (findManager(value) != null || isRecord(find(value, 'swarm')) || isRecord(find(value, 'connmgr')))
}

/**
 * Finds the settings in a configuration
 *
 * @throws {InvalidParametersError} if it is none of kubo
 */
export function settingsOf (config: unknown): KuboSettings {
  if (!isKubo(config)) {
    throw new InvalidParametersError('expected a configuration of kubo, with Swarm.ResourceMgr or Swarm.ConnMgr')
  }

  const nested = find(config, 'swarm')
  const swarm = isRecord(nested) ? nested : config
  const found = findManager(config)

  return { root: config, swarm, swarmPath: swarm === config ? '' : 'Swarm', manager: found?.manager ?? {}, path: found?.path ?? '' }
}

const KNOWN = ['Enabled', 'MaxMemory', 'MaxFileDescriptors', 'Allowlist', 'Limits']

/**
 * What kubo leaves to its defaults
 */
function isUnset (value: unknown): value is null | undefined | 'default' {
  return value == null || value === 'default'
}

/**
 * Units without their `B`, and thousands with a comma, are sizes in kubo too
 */
function readSize (value: unknown): number {
  const [, amount, unit] = /^([\d,.]+)\s*([a-z]*)$/i.exec(String(value).trim()) ?? []

  return amount === undefined ? NaN : readMemorySize(`${amount.replaceAll(',', '')}${unit.replace(/b$/i, '')}B`, () => NaN)
}

/**
 * `ipfs config` writes numbers as text unless it is told that they are JSON
 */
function readCount (value: unknown): number {
  return typeof value === 'number' || /^\d+$/.test(String(value)) ? Number(value) : NaN
}

/**
 * Reads the settings one by one, and remembers what is wrong
 */
export class KuboReader {
  readonly #problems: Problems

  constructor (problems: Problems) {
    this.#problems = problems
  }

  /**
   * An amount of memory, in bytes
   */
  size (settings: Settings, path: string, name: string): number | undefined {
    return this.#number(settings, path, name, 'a size such as "8GB" or "512 MiB"', readSize)
  }

  count (settings: Settings, path: string, name: string): number | undefined {
    return this.#number(settings, path, name, 'a whole number', readCount)
  }

  #number (settings: Settings, path: string, name: string, expected: string, read: (value: unknown) => number): number | undefined {
    const value = find(settings, name.toLowerCase())

    if (isUnset(value)) {
      return
    }

    const number = read(value)

    if (Number.isSafeInteger(number) && number >= 0) {
      return number
    }

    this.#problems.add(join(path, name), expected, value)
  }

  flag (settings: Settings, path: string, name: string): boolean | undefined {
    const value = find(settings, name.toLowerCase())

    if (isUnset(value)) {
      return
    }

    if (typeof value === 'boolean') {
      return value
    }

    this.#problems.add(join(path, name), 'true or false', value)
  }

  addresses (settings: Settings, path: string, name: string): string[] | undefined {
    const value = find(settings, name.toLowerCase())

    if (isUnset(value)) {
      return
    }

    if (!Array.isArray(value)) {
      this.#problems.add(join(path, name), 'a list of multiaddrs', value)
      return
    }

    value.forEach((address, i) => {
      try {
        toMultiaddr(address, name)
      } catch {
        this.#problems.add(`${join(path, name)}[${i}]`, 'a multiaddr such as "/ip4/1.2.3.4"', address)
      }
    })

    return value
  }
}

/**
 * Settings of the resource manager that nobody reads: misspelt ones are a problem
 */
export function noteUnread (manager: Settings, path: string, problems: Problems, note: NoteListener): void {
  for (const [key, value] of Object.entries(manager)) {
    if (isUnset(value) || KNOWN.some(name => name.toLowerCase() === key.toLowerCase())) {
      continue
    }

    if (nearestName(key, KNOWN) == null) {
      note(`${join(path, key)} has no counterpart, and is left out`)
    } else {
      problems.addUnknown(join(path, key), key, KNOWN)
    }
  }
}

/**
 * Settings of `Swarm` that limit something, are not part of the resource manager, and are no
 * option of this package
 */
export function noteOthers (swarm: Settings, path: string, note: NoteListener): void {
  const connMgr = find(swarm, 'connmgr')
  const settings = isRecord(connMgr) ? connMgr : {}
  const connMgrPath = join(path, 'ConnMgr')

  for (const [name, value] of Object.entries(settings)) {
    const isRead = ['highwater', 'type'].includes(name.toLowerCase())

    if (!isRead && !isUnset(value)) {
      note(`${join(connMgrPath, name)} has no counterpart: libp2p closes connections when there are more than maxConnections`)
    }
  }

  const type = find(settings, 'type')

  if (!isUnset(type) && type !== 'basic') {
    note(`${join(connMgrPath, 'Type')} (${JSON.stringify(type)}) has no counterpart: libp2p always has a connection manager`)
  }

  const others = [
    ['AddrFilters', 'the option connectionManager.deny of libp2p'],
    ['RelayService', 'the options of circuitRelayServer']
  ] as const

  for (const [name, option] of others) {
    const value = find(swarm, name.toLowerCase())

    if (value != null && Object.keys(value).length > 0) {
      note(`${join(path, name)} is not read: it is ${option}`)
    }
  }
}
