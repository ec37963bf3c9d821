import { AggregateNode } from '../scopes/aggregate-node.ts'
import { SpanNode } from '../scopes/span-node.ts'
import type { TraceScope } from './trace-event.ts'
import type { AnyNode } from '../scopes/graph-tracer.ts'

/**
 * What a scope is, in the parts that its name is made of
 */
export function traceScope (node: AnyNode): TraceScope {
  if (node instanceof AggregateNode) {
    return aggregateScope(node)
  }

  if (node instanceof SpanNode) {
    const owner = traceScope(node.owner)

    return { ...owner, span: owner.span == null ? String(node.serial) : `${owner.span}.span-${node.serial}` }
  }

  return node.kind === 'conn'
    ? { class: 'conn', conn: String(node.serial) }
    : { class: 'stream', stream: String(node.serial) }
}

function aggregateScope ({ group, key, kind }: AggregateNode): TraceScope {
  switch (kind) {
    case 'service':
      return { class: 'service', service: key }
    case 'servicePeer':
      return { class: 'service-peer', service: group?.key, peer: key }
    case 'protocol':
      return { class: 'protocol', protocol: key }
    case 'protocolPeer':
      return { class: 'protocol-peer', protocol: group?.key, peer: key }
    case 'peer':
      return { class: 'peer', peer: key }
    default:
      return { class: kind }
  }
}
