import type { Sample } from './metric-families.ts'
import type { RequestCount } from '../scopes/refusal-counts.ts'

/**
 * go-libp2p does not tell the share of a peer from all of a protocol or service
 */
const SCOPE_LABELS: Record<string, string> = {
  servicePeer: 'service',
  protocolPeer: 'protocol'
}

/**
 * Refusals as go-libp2p counts them: by what was asked for, and not by what there was
 * not enough of. A connection that would have used a file descriptor counts as both.
 */
export function blockedResources (counts: readonly RequestCount[]): Sample[] {
  const samples = new Map<string, Sample>()

  const add = (dir: string, kind: string, resource: string, value: number): void => {
    const scope = Object.hasOwn(SCOPE_LABELS, kind) ? SCOPE_LABELS[kind] : kind
    const key = `${dir} ${scope} ${resource}`
    const sample = samples.get(key) ?? { labels: { dir, scope, resource }, value: 0 }

    sample.value += value
    samples.set(key, sample)
  }

  for (const { amount, count, kind, requested, resource, usefd } of counts) {
    if (resource === 'memory') {
      add('', kind, 'memory', amount)
    } else {
      add(requested ?? '', kind, resource === 'fd' ? 'connection' : resource, count)
    }

    if (usefd) {
      add('', kind, 'fd', count)
    }
  }

  return [...samples.values()]
}
