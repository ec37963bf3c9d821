import type { GaugeFamily, MetricsSource, Sample } from './metric-family.ts'
import type { Collector } from '../sessions/collector.ts'

/**
 * The labels of the limits of a collector
 */
const RESOURCES = {
  maxSessions: 'sessions',
  maxRxBitrate: 'ingress_bitrate',
  maxTxBitrate: 'egress_bitrate'
} as const

/**
 * This node registers the collectors, so their number is bounded
 */
function ofCollectors ({ sessions }: MetricsSource, read: (collector: Collector) => Sample[]): Sample[] {
  if (sessions == null) {
    return []
  }

  return sessions.collectors().flatMap(id => {
    const collector = sessions.collector(id)

    return collector == null ? [] : read(collector).map(({ labels, value }) => ({ labels: { collector: id, ...labels }, value }))
  })
}

function ofTransfer (ingress: number, egress: number): Sample[] {
  return [
    { labels: { dir: 'ingress' }, value: ingress },
    { labels: { dir: 'egress' }, value: egress }
  ]
}

/**
 * Collectors say 0 where there is no limit
 */
function limitOf (max: number): number {
  return max > 0 ? max : Infinity
}

export const SESSION_GAUGES: readonly GaugeFamily[] = [{
  name: 'sessions',
  help: 'Number of sessions of a collector',
  labelNames: ['collector', 'state'],
  read: (source) => ofCollectors(source, collector => [
    { labels: { state: 'active' }, value: collector.sessions() },
    { labels: { state: 'pending' }, value: collector.pendingSessions() }
  ])
}, {
  name: 'sessions_limit',
  help: 'How many sessions a collector may have, active and pending ones together',
  labelNames: ['collector'],
  read: (source) => ofCollectors(source, collector => [{ labels: {}, value: limitOf(collector.maxSessions()) }])
}, {
  name: 'session_bitrate',
  help: 'Bit rate of all sessions of a collector together, average of ten seconds in bit/s',
  labelNames: ['collector', 'dir'],
  read: (source) => ofCollectors(source, collector => ofTransfer(collector.ingressBitrate(), collector.egressBitrate()))
}, {
  name: 'session_top_bitrate',
  help: 'Sum of the highest bit rates of the sessions of a collector, less 5% for each second since, in bit/s',
  labelNames: ['collector', 'dir'],
  read: (source) => ofCollectors(source, collector => ofTransfer(collector.topIngressBitrate(), collector.topEgressBitrate()))
}, {
  name: 'session_bitrate_limit',
  help: 'How much the sessions of a collector may transfer in bit/s',
  labelNames: ['collector', 'dir'],
  read: (source) => ofCollectors(source, collector => ofTransfer(limitOf(collector.maxIngressBitrate()), limitOf(collector.maxEgressBitrate())))
}, {
  name: 'session_refusals',
  help: 'How many streams and connections the collector of a service has refused since the start, by the limit that was exceeded',
  labelNames: ['collector', 'dir', 'resource'],
  isCounter: true,
  read: (source) => source.sessionRefusals().map(({ collector, count, direction, setting }) => ({
    labels: { collector, dir: direction, resource: RESOURCES[setting] },
    value: count
  }))
}]
