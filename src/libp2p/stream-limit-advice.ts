import { WELL_KNOWN_SERVICES, wellKnownProtocol } from '../limits/well-known-services.ts'
import type { ConcreteLimiter } from '../limits/limiter.ts'
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

  const { protocolPeer, protocolPeerDefault, peerDefault } = limiter.config
  const entry = limiter.entryOf('protocolPeer', protocol)
  const ofProtocol = entry === undefined ? protocolPeerDefault : protocolPeer[entry]
  const setting: string[] = []

  if (Math.min(ofProtocol.streamsInbound, ofProtocol.streams) < maxInboundStreams) {
    setting.push(`protocolPeer: { ${JSON.stringify(protocol)}: { streams: ${Math.max(2 * maxInboundStreams, ofProtocol.streams)}, streamsInbound: ${maxInboundStreams} } }`)
  }

  if (Math.min(peerDefault.streamsInbound, peerDefault.streams) < maxInboundStreams) {
    setting.push(`peerDefault: { streams: ${Math.max(2 * maxInboundStreams, peerDefault.streams)}, streamsInbound: ${maxInboundStreams} }`)
  }

  if (setting.length === 0) {
    return
  }

  const allowed = Math.min(ofProtocol.streamsInbound, ofProtocol.streams, peerDefault.streamsInbound, peerDefault.streams)

  return `the handler of ${protocol} accepts ${maxInboundStreams} inbound streams (maxInboundStreams), and a peer may have ${allowed}: set limits: { ${setting.join(', ')} }`
}
