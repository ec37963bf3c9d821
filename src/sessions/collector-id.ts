/**
 * The id of the collector of a service. Ids are letters and digits, names of services
 * are not: anything else is left out, and what follows it begins with a capital, so
 * that `libp2p.relay/v2` becomes `libp2pRelayV2`.
 */
export function collectorId (service: string): string {
  return service.replace(/[^0-9A-Za-z]+([0-9A-Za-z]?)/g, (_, next: string) => next.toUpperCase())
}
