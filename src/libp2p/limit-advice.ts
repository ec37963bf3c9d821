import { checkKnobs } from '../limits/check-knobs.ts'
import { checkLimits } from '../limits/check-limits.ts'
import { accepts } from '../limits/follow-handlers.ts'
import { WELL_KNOWN_SERVICES, wellKnownProtocol } from '../limits/well-known-services.ts'
import { affordableConnections } from '../manager/opening.ts'
import { nodeDemand } from './node-demand.ts'
import type { CheckedKnobs } from '../limits/check-knobs.ts'
import type { ConcreteLimitConfig, PartialLimitConfig } from '../limits/limit-config.ts'
import type { Limit } from '../limits/limit.ts'
import type { ConcreteLimiter } from '../limits/limiter.ts'
import type { Core } from '../manager/core.ts'
import type { StreamHandlerOptions } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'

/**
 * Limits of a node that contradict each other, or that exceed what the machine has
 *
 * @param given - what somebody has set
 * @param limits - those in force, unless a custom limiter computes them
 * @param core
 * @param connectionManager
 */
export function limitAdvice (given: CheckedKnobs & { limits?: PartialLimitConfig }, limits: ConcreteLimitConfig | undefined, core: Core, connectionManager: ConnectionManager): string[] {
  if (limits === undefined) {
    return checkKnobs(given)
  }

  const { maxConnections } = nodeDemand(connectionManager)
  const affordable = affordableConnections(core.graph.normal.system.limit.memory, core.baseCosts)

  return [...checkKnobs(given), ...checkLimits(limits, { maxConnections, affordableConnections: affordable, set: given.limits })]
}

const WELL_KNOWN = new Set<string>(Object.values(WELL_KNOWN_SERVICES).flat())

/**
 * Advice for whoever registers a handler that accepts more streams than a limit of each peer
 * allows. The well-known protocols have limits that were made for them.
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
