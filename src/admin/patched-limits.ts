import { NAMED_KEYS, SCOPE_KEYS } from '../limits/limit-config.ts'
import { limitsFromJSON, parseJSON } from '../limits/limits-json.ts'
import type { ResourceManager } from '../interface.ts'
import type { LimitChange } from '../limits/limit-changes.ts'
import type { PartialLimitConfig } from '../limits/limit-config.ts'

/**
 * What has become of a change
 */
export interface LimitsAnswer {
  changes: LimitChange[]

  /** What was read in another way than it is written */
  notes: string[]
}

/**
 * Any number that can be a limit
 */
const SOME = 1

/**
 * Limits with a number for each `"default"`. In files, that means left out; here, it takes back
 * an earlier change.
 */
function withDefaults (text: string): PartialLimitConfig {
  return limitsFromJSON(JSON.stringify(parseJSON(text), (_, value) => value === 'default' ? SOME : value))
}

/**
 * Limits without those that are `"default"` in a change
 *
 * @param limits
 * @param all - what is in the change, the defaults included
 * @param patch - the same without the defaults
 */
function reset (limits: PartialLimitConfig, all: PartialLimitConfig, patch: PartialLimitConfig): PartialLimitConfig {
  const left: PartialLimitConfig = { ...limits }
  const without = (before: object = {}, all: object = {}, changed: object = {}): object => {
    return Object.fromEntries(Object.entries(before).filter(([field]) => !Object.hasOwn(all, field) || Object.hasOwn(changed, field)))
  }

  for (const key of SCOPE_KEYS) {
    if (left[key] != null) {
      left[key] = without(left[key], all[key], patch[key])
    }
  }

  for (const key of NAMED_KEYS) {
    for (const [name, limits] of Object.entries(all[key] ?? {})) {
      const named = left[key]

      if (named != null && Object.hasOwn(named, name)) {
        const changed = patch[key] != null && Object.hasOwn(patch[key], name) ? patch[key][name] : {}

        left[key] = Object.assign(Object.create(null), named, { [name]: without(named[name], limits, changed) })
      }
    }
  }

  return left
}

function merge (base: PartialLimitConfig, patch: PartialLimitConfig): PartialLimitConfig {
  const merged: PartialLimitConfig = { ...base }

  for (const key of SCOPE_KEYS) {
    if (patch[key] != null) {
      merged[key] = { ...base[key], ...patch[key] }
    }
  }

  for (const key of NAMED_KEYS) {
    const entries = Object.entries(patch[key] ?? {})

    if (entries.length > 0) {
      // names of remote peers and protocols are names like any other
      const named: NonNullable<PartialLimitConfig[typeof key]> = Object.assign(Object.create(null), base[key])

      entries.forEach(([name, limits]) => { named[name] = { ...named[name], ...limits } })
      merged[key] = named
    }
  }

  return merged
}

/**
 * Limits that are changed one after the other. The manager builds each configuration on the
 * limits that it was made with, so earlier changes are kept here.
 */
export class PatchedLimits {
  readonly #manager: ResourceManager
  #patches: PartialLimitConfig = {}

  constructor (manager: ResourceManager) {
    this.#manager = manager
  }

  /**
   * @param text - limits as in files, JSON of any shape that is understood there. A limit that
   * is `"default"` becomes what it was before any change.
   * @param replace - whether those before are forgotten
   * @throws {InvalidParametersError} listing every problem. Nothing has changed then.
   */
  apply (text: string, replace: boolean): LimitsAnswer {
    const notes: string[] = []
    const patch = limitsFromJSON(text, { onNote: (note) => { notes.push(note) } })
    const before = replace ? {} : this.#patches
    const patches = merge(text.includes('"default"') ? reset(before, withDefaults(text), patch) : before, patch)
    const changes = this.#manager.setLimits(patches)

    this.#patches = patches

    return { changes, notes }
  }
}
