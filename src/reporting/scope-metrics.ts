import { LIMIT_FIELDS } from '../limits/limit.ts'
import { SCOPE_KINDS } from '../scopes/scope-kind.ts'
import { NameTable, isPattern } from '../util/name-table.ts'
import { blockedResources, evictedResources } from './blocked-resources.ts'
import { byDirection, FIELD_LABELS } from './metric-family.ts'
import { readScopeFigures } from './scope-figures.ts'
import type { GaugeFamily, MetricsSource, Sample } from './metric-family.ts'
import type { AggregateScope } from '../scopes/aggregate-scope.ts'
import type { ScopeGraph } from '../scopes/scope-graph.ts'

/**
 * The label of the protocols that are not known
 */
export const OTHER_PROTOCOLS = 'other'

function singles ({ normal, allowlisted }: ScopeGraph): AggregateScope[] {
  return [normal.system, normal.transient, allowlisted.system, allowlisted.transient]
}

interface ProtocolTotals {
  streamsInbound: number
  streamsOutbound: number
  memory: number
}

/**
 * What protocols hold, by their label
 */
function protocolTotals ({ graph, knownProtocols }: MetricsSource): Map<string, ProtocolTotals> {
  const known = knownProtocols()
  const families = new NameTable('protocols', [...known].filter(isPattern).map(name => [name, name] as const))
  const totals = new Map<string, ProtocolTotals>()

  for (const label of [...known, OTHER_PROTOCOLS]) {
    totals.set(label, { streamsInbound: 0, streamsOutbound: 0, memory: 0 })
  }

  for (const [protocol, scope] of graph.protocols) {
    const label = known.has(protocol) ? protocol : families.get(protocol) ?? OTHER_PROTOCOLS
    const total = totals.get(label) as ProtocolTotals

    total.streamsInbound += scope.streamsInbound
    total.streamsOutbound += scope.streamsOutbound
    total.memory += scope.memory
  }

  return totals
}

/**
 * What services hold: those that exist, and those that are known
 */
function * serviceTotals ({ graph, knownServices }: MetricsSource): Generator<{ service: string, streamsInbound: number, streamsOutbound: number, memory: number }> {
  for (const service of new Set([...knownServices(), ...graph.services.keys()])) {
    const { memory, streamsInbound, streamsOutbound } = graph.services.get(service) ?? NOTHING

    yield { service, streamsInbound, streamsOutbound, memory }
  }
}

const NOTHING = { streamsInbound: 0, streamsOutbound: 0, memory: 0 }

/**
 * The kinds of scope that add up what others hold
 */
const AGGREGATE_KINDS = SCOPE_KINDS.filter(kind => !['conn', 'stream', 'span'].includes(kind))

/**
 * How full the fullest scope of each kind is. Kinds without a scope are included.
 */
async function fullestOfEachKind (graph: ScopeGraph): Promise<Sample[]> {
  const { fullest } = await readScopeFigures(graph)

  return AGGREGATE_KINDS.flatMap(kind => LIMIT_FIELDS.map(field => ({
    labels: { scope: kind, resource: FIELD_LABELS[field] },
    value: fullest.get(kind)?.[field] ?? 0
  })))
}

export const SCOPE_GAUGES: readonly GaugeFamily[] = [{
  name: 'connections',
  help: 'Number of open connections',
  labelNames: ['dir', 'scope'],
  read: ({ graph }) => singles(graph).flatMap(scope => byDirection(scope.connsInbound, scope.connsOutbound, { scope: scope.kind }))
}, {
  name: 'streams',
  help: 'Number of open streams',
  labelNames: ['dir', 'scope', 'protocol'],
  read: (source) => [
    ...singles(source.graph).flatMap(scope => byDirection(scope.streamsInbound, scope.streamsOutbound, { scope: scope.kind, protocol: '' })),
    ...Array.from(protocolTotals(source), ([protocol, total]) => byDirection(total.streamsInbound, total.streamsOutbound, { scope: 'protocol', protocol })).flat()
  ]
}, {
  name: 'memory',
  help: 'Reserved memory in bytes',
  labelNames: ['scope', 'protocol'],
  read: (source) => [
    ...singles(source.graph).map(scope => ({ labels: { scope: scope.kind, protocol: '' }, value: scope.memory })),
    ...Array.from(protocolTotals(source), ([protocol, total]) => ({ labels: { scope: 'protocol', protocol }, value: total.memory }))
  ]
}, {
  name: 'fds',
  help: 'Number of file descriptors of open connections',
  labelNames: ['scope'],
  read: ({ graph }) => singles(graph).map(scope => ({ labels: { scope: scope.kind }, value: scope.fd }))
}, {
  name: 'blocked_resources',
  help: 'How much was refused since the start: streams, connections, file descriptors, bytes of memory, and what came from too many hosts of a subnet or too often',
  labelNames: ['dir', 'scope', 'resource'],
  isCounter: true,
  read: ({ refusals }) => blockedResources(refusals?.requests() ?? [])
}, {
  name: 'shadow_blocked_resources',
  help: 'The same for what the shadow limits would have refused',
  labelNames: ['dir', 'scope', 'resource'],
  isCounter: true,
  read: ({ shadowRefusals }) => shadowRefusals === undefined ? [] : blockedResources(shadowRefusals.requests())
}, {
  name: 'evictions',
  help: 'How often inbound connections and streams have given way to others in a scope that was full since the start',
  labelNames: ['scope', 'resource'],
  isCounter: true,
  read: ({ graph }) => evictedResources(graph.evictions.entries())
}, {
  name: 'limit',
  help: 'The limits in force',
  labelNames: ['scope', 'resource'],
  read: ({ graph }) => singles(graph).flatMap(scope => LIMIT_FIELDS.map(field => ({
    labels: { scope: scope.kind, resource: FIELD_LABELS[field] },
    value: scope.limit[field]
  })))
}, {
  name: 'fullest',
  help: 'Share of its limit that the fullest scope of a kind uses, from 0 to 1',
  labelNames: ['scope', 'resource'],
  read: async ({ graph }) => fullestOfEachKind(graph)
}, {
  name: 'scopes',
  help: 'Number of services, protocols and peers that have a scope',
  labelNames: ['scope'],
  read: ({ graph }) => [
    { labels: { scope: 'service' }, value: graph.services.size },
    { labels: { scope: 'protocol' }, value: graph.protocols.size },
    { labels: { scope: 'peer' }, value: graph.peers.size }
  ]
}, {
  name: 'service_streams',
  help: 'Number of open streams of a service',
  labelNames: ['dir', 'service'],
  read: (source) => Array.from(serviceTotals(source), ({ service, streamsInbound, streamsOutbound }) => byDirection(streamsInbound, streamsOutbound, { service })).flat()
}, {
  name: 'service_memory',
  help: 'Reserved memory of a service in bytes',
  labelNames: ['service'],
  read: (source) => Array.from(serviceTotals(source), ({ memory, service }) => ({ labels: { service }, value: memory }))
}]
