import { isRecord } from '../util/validation.ts'
import { isDynamic } from './dynamic-limits.ts'
import { NAMED_KEYS, SCOPE_KEYS } from './limit-config.ts'
import { fileKey } from './spelling.ts'

type Sections = Record<string, unknown>

const NAMED: readonly string[] = NAMED_KEYS.map(fileKey)

/**
 * The names of sections in go-libp2p 0.18's memory, which programs have written to files:
 * `SystemLimits`, `DefaultServiceLimits`, `ServiceLimits`
 */
export const OLD_SECTIONS: ReadonlyArray<readonly [string, string]> = [...SCOPE_KEYS.map(fileKey), ...NAMED].map(name => {
  const old = name.endsWith('Default') ? `Default${name.slice(0, -'Default'.length)}` : name

  return [`${old}Limits`.toLowerCase(), name]
})

const BASE = /^(\w+)BaseLimit$/

/**
 * The sections of the defaults of go-libp2p 0.18: those have a `SystemBaseLimit` and, beside
 * it, a `SystemMemory` which is a number or a dynamic limit. Nothing in them scales.
 *
 * @returns undefined if they are none
 */
export function sectionsWithMemory (sections: Sections): Sections | undefined {
  const kinds = Object.keys(sections).flatMap(key => BASE.exec(key)?.[1] ?? []).filter(kind => sections[`${kind}Memory`] != null)

  if (kinds.length === 0) {
    return
  }

  const joined = { ...sections }

  for (const kind of kinds) {
    const { [`${kind}BaseLimit`]: base, [`${kind}Memory`]: memory } = sections
    const name = NAMED.includes(kind) ? `${kind}Default` : kind

    delete joined[`${kind}BaseLimit`]
    delete joined[`${kind}Memory`]
    joined[name] = isRecord(base) ? { ...base, ...isRecord(memory) ? memory : { Memory: memory } } : base
  }

  return joined
}

/**
 * Whether a file is from the time of dynamic limits, in which 0 meant the default
 */
export function hasDynamic (sections: Sections): boolean {
  return Object.entries(sections).some(([name, section]) => {
    return isRecord(section) && (NAMED.includes(name) ? Object.values(section) : [section]).some(limits => isRecord(limits) && isDynamic(limits))
  })
}
