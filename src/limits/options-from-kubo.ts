import { ANY, checkDescribed } from '../util/description.ts'
import { Problems, join } from '../util/problems.ts'
import { isRecord } from '../util/validation.ts'
import { apply } from './build-limits.ts'
import { limitsOfResources } from './kubo-resources.ts'
import { KuboReader, noteOthers, noteUnread, settingsOf } from './kubo-settings.ts'
import { parseJSON } from './limits-json.ts'
import { parseFile, warn } from './parse-file.ts'
import { FILE } from './spelling.ts'
import { find } from './unwrap-limits.ts'
import type { Settings } from './kubo-settings.ts'
import type { PartialLimitConfig } from './limit-config.ts'
import type { LimitsFileOptions } from './parse-file.ts'
import type { NoteListener } from '../util/problems.ts'

/**
 * A configuration of kubo as options of this package
 */
export interface KuboOptions {
  /**
   * Options of `resourceManager()`. Settings that the configuration does not have are left out.
   */
  resourceManager: {
    /** `Swarm.ResourceMgr.Enabled` */
    enabled?: boolean

    /** `Swarm.ResourceMgr.MaxMemory`, in bytes */
    maxMemory?: number

    /** `Swarm.ResourceMgr.Allowlist` */
    allowlist?: string[]

    /** `MaxFileDescriptors` and `Limits` of `Swarm.ResourceMgr`, and the overrides above these */
    limits?: PartialLimitConfig
  }

  /**
   * Options of libp2p's connection manager, which are those of `createLibp2p`
   */
  connectionManager: {
    /** `Swarm.ConnMgr.HighWater` */
    maxConnections?: number
  }
}

/**
 * The same, for what has been read from JSON
 *
 * @param config
 * @param overrides
 * @param options
 * @param zerosAreDefaults - whether 0 means the default, as it once did
 * @throws {InvalidParametersError} listing every problem with its path
 */
export function readKubo (config: unknown, overrides: unknown, options: LimitsFileOptions = {}, zerosAreDefaults = false): KuboOptions {
  checkDescribed('options', options, { onNote: ANY })

  const { onNote = warn } = options
  const { root, swarm, swarmPath, manager, path } = settingsOf(config)
  const problems = new Problems('invalid configuration')
  const reader = new KuboReader(problems)
  const connMgr = find(swarm, 'connmgr')

  const { fd, ...managed } = readManager(manager, path, reader)
  const maxConnections = isRecord(connMgr) ? reader.count(connMgr, join(swarmPath, 'ConnMgr'), 'HighWater') : undefined

  const unread: string[] = []

  noteUnread(manager, path, problems, (note) => { unread.push(note) })
  problems.throwIfAny()

  const below = readLimits(root, manager, fd, onNote, zerosAreDefaults)
  const above = overrides === undefined ? {} : parseFile(overrides, FILE, { onNote }, zerosAreDefaults)
  const limits = both(above, below)

  if (maxConnections === 0) {
    onNote(`${join(swarmPath, 'ConnMgr.HighWater')} is 0, which has no counterpart: libp2p keeps its default`)
  }

  unread.forEach(note => { onNote(note) })
  noteOthers(swarm, swarmPath, onNote)

  return {
    resourceManager: withoutUnset({ ...managed, limits: isEmpty(limits) ? undefined : limits }),
    connectionManager: maxConnections === undefined || maxConnections === 0 ? {} : { maxConnections }
  }
}

function readManager (manager: Settings, path: string, reader: KuboReader): Omit<KuboOptions['resourceManager'], 'limits'> & { fd?: number } {
  const allowlist = reader.addresses(manager, path, 'Allowlist')

  return {
    enabled: reader.flag(manager, path, 'Enabled'),
    maxMemory: reader.size(manager, path, 'MaxMemory'),
    allowlist: isEmpty(allowlist ?? []) ? undefined : allowlist,
    fd: reader.count(manager, path, 'MaxFileDescriptors')
  }
}

function isEmpty (value: object): boolean {
  return Object.keys(value).length === 0
}

function withoutUnset <T extends object> (options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T
}

/**
 * Both together; the first one counts. If there is only one, it stays as it is written.
 */
function both (above: PartialLimitConfig, below: PartialLimitConfig): PartialLimitConfig {
  if (isEmpty(above) || isEmpty(below)) {
    return isEmpty(above) ? below : above
  }

  return apply(above, below)
}

/**
 * The content of `Limits`, with the file descriptors that are set beside it
 */
function readLimits (config: Settings, manager: Settings, fd: number | undefined, onNote: NoteListener, zerosAreDefaults: boolean): PartialLimitConfig {
  const limits = find(manager, 'limits')
  // in its place in the configuration, so that messages have the whole path
  const read = limits == null ? {} : parseFile(onlyLimits(config), FILE, { onNote }, zerosAreDefaults)

  return fd === undefined ? read : both(read, { system: { fd } })
}

/**
 * A configuration with nothing in it but the limits
 *
 * @param config
 * @param depth - how many objects the limits may be in
 */
function onlyLimits (config: Settings, depth = 2): Settings {
  const kept: Settings = {}

  for (const [key, value] of Object.entries(config)) {
    if (key.toLowerCase() === 'limits') {
      kept[key] = value
    } else if (depth > 0 && ['swarm', 'resourcemgr'].includes(key.toLowerCase()) && isRecord(value)) {
      kept[key] = onlyLimits(value, depth - 1)
    }
  }

  return kept
}

/**
 * Reads a configuration of kubo (the file `config` in its repository) and gives what it
 * says about resources as options of this package and of libp2p:
 *
 * ```ts
 * import { readFile } from 'node:fs/promises'
 * import { createLibp2p } from 'libp2p'
 * import { resourceManager } from 'libp2p-resource-manager'
 * import { optionsFromKubo } from 'libp2p-resource-manager/node'
 *
 * const { connectionManager, resourceManager: init } = optionsFromKubo(await readFile('.ipfs/config', 'utf8'))
 *
 * const node = await createLibp2p({
 *   connectionManager,
 *   services: {
 *     resourceManager: resourceManager(init)
 *   }
 * })
 * ```
 *
 * As in kubo, the other limits are derived from `MaxMemory`, and single ones of `Limits` and of
 * the overrides count before what is derived. What has no counterpart is said in a line (`onNote`).
 *
 * @param config - the text of the file: all of it, or what is under `Swarm` or `Swarm.ResourceMgr`, or
 * what `ipfs swarm resources --enc=json` has printed
 * @param overrides - the text of `libp2p-resource-limit-overrides.json`, if there is one
 * @param options
 * @throws {InvalidParametersError} listing every problem with its path, or naming the line
 * and the column where a text is not JSON
 */
export function optionsFromKubo (config: string, overrides?: string, options?: LimitsFileOptions): KuboOptions {
  const value = parseJSON(config)
  const limits = limitsOfResources(value)

  return readKubo(limits === value ? value : { Swarm: { ResourceMgr: { Limits: limits } } }, overrides === undefined ? undefined : parseJSON(overrides), options)
}
