import { WELL_KNOWN_SERVICES, wellKnownProtocol } from '../../limits/well-known-services.ts'
import { NameTable } from '../../util/name-table.ts'
import { invalid } from '../../util/validation.ts'

const WELL_KNOWN: ReadonlyMap<string, string> = new Map(Object.entries(WELL_KNOWN_SERVICES).flatMap(([service, protocols]) => {
  return protocols.map(protocol => [protocol, service] as const)
}))

function inFamily (protocol: string): string | undefined {
  const known = wellKnownProtocol(protocol)

  return known === undefined ? undefined : WELL_KNOWN.get(known)
}

/**
 * Which service a protocol belongs to: first as the user says, then by the well-known
 * protocols, also those of private networks
 *
 * @param services - Protocols by service, or `false` for an empty table
 * @param ask - What the services of a node say they speak. It is called when the first
 * protocol comes that is not in the table: services are not there yet when the table is made.
 * @throws {InvalidParametersError} naming the entry that is wrong
 */
export function serviceTable (services: Record<string, string[]> | false = {}, ask: () => ReadonlyMap<string, string> = () => new Map()): NameTable<string> {
  if (services === false) {
    return new NameTable('services', [])
  }

  let asked: ReadonlyMap<string, string> | undefined

  return new NameTable('services', [...WELL_KNOWN, ...configured(services)], protocol => {
    asked ??= ask()

    return asked.get(protocol) ?? inFamily(protocol)
  })
}

function * configured (services: Record<string, string[]>): Generator<[string, string]> {
  for (const [service, protocols] of Object.entries(services)) {
    if (service === '') {
      throw invalid('services', 'a non-empty name of a service', service)
    }

    if (!Array.isArray(protocols)) {
      throw invalid(`services.${service}`, 'a list of protocols', protocols)
    }

    for (const [i, protocol] of protocols.entries()) {
      if (typeof protocol !== 'string' || protocol === '') {
        throw invalid(`services.${service}[${i}]`, 'a protocol', protocol)
      }

      yield [protocol, service]
    }
  }
}
