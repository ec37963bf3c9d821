import { NAMED_KEYS, SCOPE_KEYS } from '../limits/limit-config.ts'
import { limitsFromJSON } from '../limits/limits-json.ts'
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
 * limits that it was made with, so what was changed before is kept here.
 */
export class PatchedLimits {
  readonly #manager: ResourceManager
  #patches: PartialLimitConfig = {}

  constructor (manager: ResourceManager) {
    this.#manager = manager
  }

  /**
   * @param text - limits as in files, JSON of any shape that is understood there
   * @param replace - whether those before are forgotten
   * @throws {InvalidParametersError} listing every problem. Nothing has changed then.
   */
  apply (text: string, replace: boolean): LimitsAnswer {
    const notes: string[] = []
    const patch = limitsFromJSON(text, { onNote: (note) => { notes.push(note) } })
    const patches = merge(replace ? {} : this.#patches, patch)
    const changes = this.#manager.setLimits(patches)

    this.#patches = patches

    return { changes, notes }
  }
}
