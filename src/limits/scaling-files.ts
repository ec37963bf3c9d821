import { join } from '../util/problems.ts'
import { isRecord } from '../util/validation.ts'
import { autoScaleTarget } from './auto-scale.ts'
import { availableResources } from './available-resources.ts'
import { DEFAULT_SCOPE_LIMITS } from './default-scope-limits.ts'
import { LIMIT_FIELDS } from './limit.ts'
import { SIZE_TEXT, readMemorySize } from './memory-size.ts'
import { scaleLimit } from './scale.ts'
import { fileKey } from './spelling.ts'
import type { ScopeKey } from './limit-config.ts'
import type { Limit } from './limit.ts'
import type { LimitIncrease, ScalingLimit } from './scale.ts'
import type { NoteListener, Problems } from '../util/problems.ts'

type Sections = Record<string, unknown>

/**
 * The first part of the keys, and the section that they are about
 */
const KINDS: Record<string, ScopeKey> = {
  System: 'system',
  Transient: 'transient',
  AllowlistedSystem: 'allowlistedSystem',
  AllowlistedTransient: 'allowlistedTransient',
  Service: 'serviceDefault',
  ServicePeer: 'servicePeerDefault',
  Protocol: 'protocolDefault',
  ProtocolPeer: 'protocolPeerDefault',
  Peer: 'peerDefault',
  Conn: 'conn',
  Stream: 'stream'
}

const NAMED = ['Service', 'ServicePeer', 'Protocol', 'ProtocolPeer', 'Peer']

const KEY = /^(\w+?)(BaseLimit|LimitIncrease|Limits)$/

/**
 * True for a `ScalingLimitConfig` of go-libp2p, in which each limit is a base and what is
 * added to it for every GiB
 */
export function isScaling (sections: Sections): boolean {
  return Object.keys(sections).some(key => {
    const [, kind, part] = KEY.exec(key) ?? []

    return kind != null && Object.hasOwn(KINDS, kind) && (part !== 'Limits' || hasScaling(sections[key]))
  })
}

/**
 * Whether there are names with limits that scale
 */
function hasScaling (entries: unknown): boolean {
  return isRecord(entries) && Object.values(entries).some(entry => isRecord(entry) && ('BaseLimit' in entry || 'LimitIncrease' in entry || 'BaseLimitIncrease' in entry))
}

function readText (text: string, name?: string): number {
  if (/^\d+$/.test(text)) {
    return Number(text)
  }

  return name === 'memory' ? readMemorySize(text, () => availableResources().memory) : NaN
}

function readAmounts (value: unknown, names: readonly string[], path: string, problems: Problems): Record<string, number> {
  const amounts: Record<string, number> = {}

  if (value != null && !isRecord(value)) {
    problems.add(path, 'an object with numbers', value)
  }

  for (const [key, entry] of Object.entries(isRecord(value) ? value : {})) {
    const name = names.find(name => (name === 'fdFraction' ? 'FDFraction' : fileKey(name)).toLowerCase() === key.toLowerCase())
    const amount = typeof entry === 'string' ? readText(entry, name) : entry

    if (name == null) {
      problems.addUnknown(join(path, key), key, names.map(fileKey))
    } else if (entry !== null && (typeof amount !== 'number' || !(amount >= 0))) {
      problems.add(join(path, key), `a number from 0 on${name === 'memory' ? ` or ${SIZE_TEXT}` : ''}`, entry)
    } else if (entry !== null) {
      amounts[name] = name === 'fdFraction' ? Number(amount) : Math.floor(Number(amount))
    }
  }

  return amounts
}

const INCREASE_NAMES = [...LIMIT_FIELDS.filter(field => field !== 'fd'), 'fdFraction']

/**
 * The limits that a base and an increase make on this machine, with the fields that they have.
 * A field that one of them leaves out is that of the defaults.
 */
function scaleFields (base: Partial<Limit>, increase: LimitIncrease, defaults: ScalingLimit): Sections {
  const { memory, fds } = autoScaleTarget(availableResources())
  const scaled = scaleLimit({ base: { ...defaults.base, ...base }, increase: { ...defaults.increase, ...increase } }, memory, fds)
  const fields = LIMIT_FIELDS.filter(field => base[field] !== undefined || (field === 'fd' ? increase.fdFraction : increase[field]) !== undefined)

  return Object.fromEntries(fields.map(field => [fileKey(field), scaled[field] === Infinity ? 'unlimited' : scaled[field]]))
}

/**
 * The sections that scaling limits make on this machine, scaled as `autoScale` does
 */
export function scaledSections (sections: Sections, path: string, problems: Problems, note: NoteListener): Sections {
  const scaled: Sections = {}
  const scaleEntry = (kind: string, base: unknown, increase: unknown, basePath: string, increasePath: string): Sections => {
    return scaleFields(
      readAmounts(base, LIMIT_FIELDS, basePath, problems),
      readAmounts(increase, INCREASE_NAMES, increasePath, problems),
      DEFAULT_SCOPE_LIMITS[KINDS[kind]]
    )
  }

  for (const [key, value] of Object.entries(sections)) {
    const [, kind, part] = KEY.exec(key) ?? []

    if (kind == null || !Object.hasOwn(KINDS, kind) || (part === 'Limits' && !NAMED.includes(kind))) {
      scaled[key] = value
    } else if (part === 'Limits') {
      scaled[kind] = Object.fromEntries(Object.entries(isRecord(value) ? value : {}).filter(([, entry]) => isRecord(entry)).map(([name, entry]) => {
        const { BaseLimit: base, LimitIncrease: increase, BaseLimitIncrease: increased = increase, ...others } = entry as Sections
        const entryPath = join(join(path, key), name)

        return [name, { ...others, ...scaleEntry(kind, base, increased, `${entryPath}.BaseLimit`, `${entryPath}.LimitIncrease`) }]
      }))
    } else {
      scaled[fileKey(KINDS[kind])] ??= scaleEntry(kind, sections[`${kind}BaseLimit`], sections[`${kind}LimitIncrease`], join(path, `${kind}BaseLimit`), join(path, `${kind}LimitIncrease`))
    }
  }

  note('limits that scale are read as what they come to on this machine, for an eighth of its memory and half of its file descriptors')

  return scaled
}
