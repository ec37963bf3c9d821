import { buildOn } from './build-limits.ts'
import { makeConcrete } from './concrete-limits.ts'
import { ConcreteLimiter } from './limiter.ts'
import type { ConcreteLimitConfig, ParsedLimitConfig } from './limit-config.ts'
import type { Limit } from './limit.ts'

/**
 * Raises limits that nobody has set to what the handlers of a node accept: somebody who
 * registers one with `maxInboundStreams: 1000` expects 1000 from one peer. Limits that somebody
 * has set for the protocol or for all protocols stay, and so do those of the well-known
 * services. Nothing is raised above the system.
 *
 * @param derived - what the configuration of the user is built on
 * @param set - that configuration
 * @param handlers - how many inbound streams are accepted, by protocol
 */
export function followHandlers (derived: ConcreteLimitConfig, set: ParsedLimitConfig, handlers: ReadonlyMap<string, number>): ConcreteLimitConfig {
  if (handlers.size === 0) {
    return derived
  }

  const limiter = new ConcreteLimiter(buildOn(derived, set))
  const { system } = limiter.config

  const entriesOf = (kind: 'protocol' | 'protocolPeer'): Record<string, Limit> => {
    const { streams, streamsInbound } = set[`${kind}Default`] ?? {}
    const entries: Record<string, Limit> = Object.assign(Object.create(null), derived[kind])

    if (streams === undefined && streamsInbound === undefined) {
      for (const [protocol, count] of handlers) {
        const { [`${kind}Default` as const]: limit } = limiter.config

        if (limiter.entryOf(kind, protocol) === undefined && !accepts(limit, count)) {
          entries[protocol] = raise(limit, system, count)
        }
      }
    }

    return entries
  }

  const counts = Array.from(handlers, ([protocol, count]) => {
    const entry = limiter.entryOf('protocolPeer', protocol)

    return entry !== undefined && Object.hasOwn(derived.protocolPeer, entry) ? 0 : count
  })

  return makeConcrete(
    key => key === 'peerDefault' ? raise(derived.peerDefault, system, Math.max(...counts)) : derived[key],
    key => key === 'protocol' || key === 'protocolPeer' ? entriesOf(key) : derived[key]
  )
}

/**
 * Whether so many inbound streams fit
 */
export function accepts ({ streams, streamsInbound }: Limit, count: number): boolean {
  return Math.min(streams, streamsInbound) >= count
}

function raise (limit: Limit, system: Limit, count: number): Limit {
  return {
    ...limit,
    streamsInbound: Math.max(limit.streamsInbound, Math.min(system.streamsInbound, count)),
    streams: Math.max(limit.streams, Math.min(system.streams, count))
  }
}
