import { InvalidParametersError } from '@libp2p/interface'
import { TomlError, parse } from 'smol-toml'
import { Problems } from '../util/problems.ts'
import { isRecord } from '../util/validation.ts'
import { readMemory } from './available-resources.ts'
import { withText } from './config-text.ts'
import { eachServiceLimit, goServiceLimits, jsServiceLimits } from './default-service-limits.ts'
import { SCOPE_KEYS } from './limit-config.ts'
import { LIMIT_FIELDS } from './limit.ts'
import { parseFile, warn } from './parse-file.ts'
import { checkKeys, parseLimits, parseNamed, parseResourceLimits } from './parse-limits.ts'
import { TOML, withoutMark } from './spelling.ts'
import type { PartialLimitConfig } from './limit-config.ts'
import type { ResourceLimits } from './limit.ts'
import type { LimitsFileOptions } from './parse-file.ts'

const SYSTEM_SECTION = 'SystemLimit'
const SERVICE_SECTION = 'Service'

/**
 * The share of the memory that the system may have, from 0 to 1, where a file with sections
 * does not say
 */
export const LIMIT_FACTOR = 0.85

/**
 * The memory of the system, in bytes, if a file with sections does not say and the memory of
 * the machine cannot be read
 */
export const DEFAULT_MEMORY_SIZE = 8 * 2 ** 20

/**
 * Limits of a scope that only the system limits
 */
function unlimited (): ResourceLimits {
  return Object.fromEntries(LIMIT_FIELDS.map(field => [field, 'unlimited' as const]))
}

/**
 * Limits of a scope that these limits and the system limit. Each direction may have the total,
 * so that nothing contradicts it.
 */
function limitedBy (limits: ResourceLimits): ResourceLimits {
  const { conns = 'unlimited', streams = 'unlimited' } = limits

  return { ...unlimited(), streamsInbound: streams, streamsOutbound: streams, connsInbound: conns, connsOutbound: conns, ...limits }
}

/**
 * The memory of the system where nobody has set it
 */
export function systemMemory (available: number | undefined): number {
  return available === undefined ? DEFAULT_MEMORY_SIZE : Math.floor(available * LIMIT_FACTOR)
}

/**
 * The defaults with all limits but those of the system lifted. Scopes that are not below the
 * system are as large as it.
 */
function onlySystem (limits: ResourceLimits): PartialLimitConfig {
  const config: PartialLimitConfig = { system: limits, allowlistedSystem: limits }
  const asLarge = limitedBy(limits)

  for (const key of SCOPE_KEYS) {
    config[key] ??= key === 'transient' || key === 'allowlistedTransient' ? asLarge : unlimited()
  }

  eachServiceLimit([...goServiceLimits, ...jsServiceLimits], (kind, name) => {
    config[kind] ??= Object.create(null)
    Object.assign(config[kind] as object, { [name]: unlimited() })
  })

  return config
}

/**
 * Reads the second layout. All default limits but those of the system are lifted, except where
 * a section has a limit.
 */
function parseSections (value: Record<string, unknown>): PartialLimitConfig {
  const problems = new Problems('invalid limits')

  checkKeys(value, [SYSTEM_SECTION, SERVICE_SECTION], '', TOML, problems)

  const system = parseResourceLimits(value[SYSTEM_SECTION] ?? {}, SYSTEM_SECTION, TOML, problems)
  const sections = parseNamed('service', value[SERVICE_SECTION], SERVICE_SECTION, problems, (entry, path) => {
    return parseResourceLimits(entry, path, TOML, problems)
  })

  problems.throwIfAny()

  const config = onlySystem({ memory: systemMemory(readMemory()), ...system })

  for (const [name, limits] of Object.entries(sections)) {
    Object.assign(config.service as object, { [name]: limitedBy(limits) })
  }

  return withText(parseLimits(config))
}

/**
 * Whether a file has sections of services and nothing else
 */
function hasServicesOnly (value: Record<string, unknown>): boolean {
  const keys = Object.keys(value)
  const services = value[SERVICE_SECTION]

  return keys.length === 1 && isRecord(services) && Object.keys(services).length > 0
}

/**
 * Reads limits from TOML. The structure is that of `limitsFromJSON`:
 *
 * ```toml
 * [System]
 * StreamsOutbound = "unlimited"
 *
 * [Service."libp2p.identify"]
 * Memory = 4194304
 * ```
 *
 * or, if there is a `SystemLimit`, or nothing but services, one section for the system and
 * one for each service that is limited:
 *
 * ```toml
 * [SystemLimit]
 * Conns = 128
 * Memory = 1073741824
 *
 * [Service.chat]
 * ConnsInbound = 32
 * ```
 *
 * with `Conns`, `ConnsInbound`, `ConnsOutbound`, `FD`, `Memory` and the limits of
 * streams. There, the scope of what is in its handshake or negotiation (transient) and those
 * of allowlisted addresses are as large as the system, and everything else that has no
 * section, well-known services included, or that a section leaves out, is limited by the
 * system only. The memory of the system is, unless it is set, 0.85 of the memory that the
 * process may use (`LIMIT_FACTOR`), or 8 MiB where that cannot be read
 * (`DEFAULT_MEMORY_SIZE`); what else it leaves out comes from the defaults. Files of other
 * shapes are recognised as `limitsFromJSON` does it.
 *
 * @throws {InvalidParametersError} listing every problem with its path, or naming
 * the line and the column where the text is not TOML
 */
export function limitsFromTOML (text: string, options?: LimitsFileOptions): PartialLimitConfig {
  let value: Record<string, unknown>

  try {
    value = parse(withoutMark(text), { integersAsBigInt: 'asNeeded' })
  } catch (err: any) {
    if (!(err instanceof TomlError)) {
      throw new InvalidParametersError(`invalid TOML: ${err.message}`)
    }

    // the message goes on with an excerpt of the text
    const problem = err.message.split('\n', 1)[0].replace(/^Invalid TOML document: /, '')

    throw new InvalidParametersError(`invalid TOML: line ${err.line}, column ${err.column}: ${problem}`)
  }

  if (Object.hasOwn(value, SYSTEM_SECTION)) {
    return parseSections(value)
  }

  if (hasServicesOnly(value)) {
    const limits = parseSections(value)
    const { onNote = warn } = options ?? {}

    onNote('there are only services, so everything else is limited by the system only; a [System] section, which may be empty, keeps the defaults')

    return limits
  }

  return parseFile(value, TOML, options)
}
