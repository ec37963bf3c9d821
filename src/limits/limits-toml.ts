import { InvalidParametersError } from '@libp2p/interface'
import { TomlError, parse } from 'smol-toml'
import { goServiceLimits, jsServiceLimits } from './default-service-limits.ts'
import { LIMIT_FIELDS } from './limit.ts'
import { parseFile } from './parse-file.ts'
import { checkKeys, parseNamed, parseResourceLimits } from './parse-limits.ts'
import { Problems } from './problems.ts'
import { TOML, withoutMark } from './spelling.ts'
import type { PartialLimitConfig } from './limit-config.ts'
import type { ResourceLimits } from './limit.ts'
import type { LimitsFileOptions } from './parse-file.ts'

const SYSTEM_SECTION = 'SystemLimit'
const SERVICE_SECTION = 'Service'

/**
 * A service that is limited by the system only
 */
function unlimited (): ResourceLimits {
  return Object.fromEntries(LIMIT_FIELDS.map(field => [field, 'unlimited' as const]))
}

/**
 * Reads the second layout. What the defaults set for services is lifted, except
 * where a section has a limit.
 */
function parseSections (value: Record<string, unknown>): PartialLimitConfig {
  const problems = new Problems('invalid limits')

  checkKeys(value, [SYSTEM_SECTION, SERVICE_SECTION], '', TOML, problems)

  const system = parseResourceLimits(value[SYSTEM_SECTION], SYSTEM_SECTION, TOML, problems)
  const sections = parseNamed('service', value[SERVICE_SECTION], SERVICE_SECTION, problems, (entry, path) => {
    return parseResourceLimits(entry, path, TOML, problems)
  })

  problems.throwIfAny()

  const service: Record<string, ResourceLimits> = Object.create(null)
  const servicePeer: Record<string, ResourceLimits> = Object.create(null)

  for (const { service: name } of [...goServiceLimits, ...jsServiceLimits]) {
    service[name] = unlimited()
    servicePeer[name] = unlimited()
  }

  for (const [name, limits] of Object.entries(sections)) {
    service[name] = { ...unlimited(), ...limits }
  }

  return {
    system,
    serviceDefault: unlimited(),
    servicePeerDefault: unlimited(),
    service,
    servicePeer
  }
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
 * or, if there is a `SystemLimit`, one section for the system and one for each
 * service that is limited:
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
 * streams. There, what a service's section leaves out, and a service that has no
 * section, is limited by the system only, well-known services included. Files of other
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

  return parseFile(value, TOML, options)
}
