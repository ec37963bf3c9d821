import type { Sample } from './metric-family.ts'
import type { RequestCount } from './refusal-counts.ts'

/**
 * go-libp2p does not tell the share of a peer from all of a protocol or service
 */
const SCOPE_LABELS: Record<string, string> = {
  servicePeer: 'service',
  protocolPeer: 'protocol'
}

function resourceOf ({ request, resource }: RequestCount): string {
  if (resource === 'subnet' || resource === 'rate') {
    return resource
  }

  // a stream that the process has no memory for is a stream, as one for which there is
  // no file descriptor is a connection
  return request ?? (resource === 'fd' ? 'connection' : resource)
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
