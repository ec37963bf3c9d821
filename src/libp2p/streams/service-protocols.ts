import type { WELL_KNOWN_SERVICES } from '../../limits/well-known-services.ts'

/**
 * The services of js-libp2p whose protocols may have any name and that show this name, by the
 * name of the service. Other services do not show it, or are recognised by the end of their
 * protocol.
 */
const SERVICES: Readonly<Record<string, keyof typeof WELL_KNOWN_SERVICES>> = {
  '@libp2p/echo': 'libp2p.echo',
  '@libp2p/fetch': 'libp2p.fetch',
  '@libp2p/gossipsub': 'libp2p.pubsub',
  '@libp2p/kad-dht': 'libp2p.kad',
  '@libp2p/ping': 'libp2p.ping'
}

interface SpeakingService {
  readonly [Symbol.toStringTag]?: unknown
  readonly protocol?: unknown
  readonly protocols?: unknown
}

/**
 * Asks the services of a node which protocols they speak, such as a DHT that has one of its own
 *
 * @param components - those of libp2p, which has a list of them that is not in its types
 * @returns Their services by protocol
 */
export function askForProtocols (components: object): Map<string, string> {
  const { components: all = {} } = components as { components?: Record<string, SpeakingService | null | undefined> }
  const found = new Map<string, string>()

  for (const component of Object.values(all)) {
    const name = component?.[Symbol.toStringTag]

    if (component == null || typeof name !== 'string' || !Object.hasOwn(SERVICES, name)) {
      continue
    }

    const { protocol, protocols } = component

    for (const spoken of [protocol, ...Array.isArray(protocols) ? protocols : []]) {
      if (typeof spoken === 'string') {
        found.set(spoken, SERVICES[name])
      }
    }
  }

  return found
}
