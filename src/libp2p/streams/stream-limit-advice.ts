import { accepts } from '../../limits/follow-handlers.ts'
import { WELL_KNOWN_SERVICES, wellKnownProtocol } from '../../limits/well-known-services.ts'
import type { Limit } from '../../limits/limit.ts'
import type { ConcreteLimiter } from '../../limits/limiter.ts'
import type { StreamHandlerOptions } from '@libp2p/interface'

const WELL_KNOWN = new Set<string>(Object.values(WELL_KNOWN_SERVICES).flat())

/**
 * What whoever registers a handler should know: it says how many streams it accepts, and a
 * limit that is for each peer is reached before that. The well-known protocols have limits
 * that were made for them.
 *
 * @returns the setting to paste, if there is one
 */
export function streamLimitAdvice (limiter: ConcreteLimiter, protocol: string, { maxInboundStreams }: StreamHandlerOptions = {}): string | undefined {
  if (maxInboundStreams === undefined || !Number.isFinite(maxInboundStreams) || WELL_KNOWN.has(wellKnownProtocol(protocol) ?? protocol)) {
    return
  }

  const { peerDefault, system } = limiter.config
  const name = `{ ${JSON.stringify(protocol)}: `
  const limits: Array<readonly [limit: Limit, start: string, end: string]> = [
    [system, 'system: ', ''],
    [limiter.getProtocolLimits(protocol), `protocol: ${name}`, ' }'],
    [limiter.getProtocolPeerLimits(protocol), `protocolPeer: ${name}`, ' }'],
    [peerDefault, 'peerDefault: ', '']
  ]
  const lower = limits.filter(([limit]) => !accepts(limit, maxInboundStreams))

  if (lower.length === 0) {
    return
  }

  const allowed = Math.min(...lower.flatMap(([{ streams, streamsInbound }]) => [streams, streamsInbound]))
  const settings = lower.map(([{ streams }, start, end]) => `${start}{ streams: ${Math.max(2 * maxInboundStreams, streams)}, streamsInbound: ${maxInboundStreams} }${end}`)

  return `the handler of ${protocol} accepts ${maxInboundStreams} inbound streams (maxInboundStreams), and a peer may have ${allowed}: set limits: { ${settings.join(', ')} }`
}
