import { WELL_KNOWN_SERVICES } from '../limits/well-known-services.ts'
import { invalid } from '../validation.ts'

/**
 * Which service a protocol belongs to: the well-known ones, overridden by what a
 * user says
 *
 * @param services - Protocols by service, or `false` for an empty table
 * @throws {InvalidParametersError} naming the entry that is wrong
 */
export function serviceTable (services: Record<string, string[]> | false = {}): Map<string, string> {
  const table = new Map<string, string>()

  if (services === false) {
    return table
  }

  for (const [service, protocols] of Object.entries(WELL_KNOWN_SERVICES)) {
    protocols.forEach(protocol => table.set(protocol, service))
  }

  for (const [service, protocols] of Object.entries(services)) {
    if (service === '') {
      throw invalid('services', 'a non-empty name of a service', service)
    }

    if (!Array.isArray(protocols)) {
      throw invalid(`services.${service}`, 'a list of protocols', protocols)
    }

    protocols.forEach((protocol, i) => {
      if (typeof protocol !== 'string' || protocol === '') {
        throw invalid(`services.${service}[${i}]`, 'a protocol', protocol)
      }

      table.set(protocol, service)
    })
  }

  return table
}
