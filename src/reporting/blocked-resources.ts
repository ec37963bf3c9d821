import type { Sample } from './metric-family.ts'
import type { RequestCount } from './refusal-counts.ts'
import type { EvictionCount } from '../scopes/evictions.ts'

/**
 * go-libp2p does not distinguish the share of a peer from the whole protocol or service
 */
const SCOPE_LABELS: Record<string, string> = {
  servicePeer: 'service',
  protocolPeer: 'protocol'
}

const SCOPES = ['system', 'transient', 'allowlistedSystem', 'allowlistedTransient', 'service', 'protocol', 'peer']
const DIRECTIONS = ['inbound', 'outbound']

/**
 * All series that there can be, as `dir scope resource`
 */
const SERIES: ReadonlyArray<readonly [dir: string, scope: string, resource: string]> = [
  ...SCOPES.flatMap(scope => [
    ...DIRECTIONS.map(dir => [dir, scope, 'stream'] as const),
    // connections have no protocol
    ...scope === 'protocol' ? [] : [...DIRECTIONS.map(dir => [dir, scope, 'connection'] as const), ['', scope, 'fd'] as const],
    ['', scope, 'memory'] as const
  ]),
  ...DIRECTIONS.flatMap(dir => [[dir, 'conn', 'connection'], [dir, 'stream', 'stream']] as const),
  ['', 'conn', 'fd'],
  ...['conn', 'stream', 'span'].map(scope => ['', scope, 'memory'] as const),
  ...DIRECTIONS.flatMap(dir => ['connection', 'stream', 'rate'].map(resource => [dir, 'collector', resource] as const)),
  ...DIRECTIONS.map(dir => [dir, 'ban', 'connection'] as const),
  ['inbound', 'process', 'connection'],
  ['inbound', 'process', 'stream'],
  ...DIRECTIONS.flatMap(dir => [[dir, 'subnet', 'subnet'], [dir, 'network', 'subnet']] as const),
  ...['subnet', 'network', 'global', 'peer', 'protocol'].map(scope => ['inbound', scope, 'rate'] as const)
]

/**
 * What gives way where fairness decides
 */
const EVICTED = ['system', 'transient', 'protocol', 'service'].flatMap(scope => scope === 'protocol' ? [[scope, 'stream']] : [[scope, 'connection'], [scope, 'stream']])

function resourceOf ({ request, resource }: RequestCount): string {
  if (resource === 'subnet' || resource === 'rate') {
    return resource
  }

  // a stream that the process has no memory for is a stream, as one for which there is
  // no file descriptor is a connection
  return request ?? (resource === 'fd' ? 'connection' : resource)
}

/**
 * Refusals as go-libp2p counts them: by the resource that was asked for, not by the one that
 * was short. A connection that would have used a file descriptor counts as both.
 */
export function blockedResources (counts: readonly RequestCount[]): Sample[] {
  const samples = new Map<string, Sample>(SERIES.map(([dir, scope, resource]) => [`${dir} ${scope} ${resource}`, { labels: { dir, scope, resource }, value: 0 }]))

  const add = (dir: string, kind: string, resource: string, value: number): void => {
    const scope = Object.hasOwn(SCOPE_LABELS, kind) ? SCOPE_LABELS[kind] : kind
    const key = `${dir} ${scope} ${resource}`
    const sample = samples.get(key) ?? { labels: { dir, scope, resource }, value: 0 }

    sample.value += value
    samples.set(key, sample)
  }

  for (const entry of counts) {
    const resource = resourceOf(entry)

    if (resource === 'memory') {
      add('', entry.kind, resource, entry.amount)
    } else {
      add(entry.requested ?? '', entry.kind, resource, entry.count)
    }

    if (entry.usefd) {
      add('', entry.kind, 'fd', entry.count)
    }
  }

  return [...samples.values()]
}

/**
 * What has given way to others
 */
export function evictedResources (counts: readonly EvictionCount[]): Sample[] {
  return EVICTED.map(([scope, resource]) => ({
    labels: { scope, resource },
    value: counts.find(({ kind, resource: evicted }) => kind === scope && evicted === resource)?.count ?? 0
  }))
}
