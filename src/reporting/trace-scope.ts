import { AggregateScope } from '../scopes/aggregate-scope.ts'
import { SpanScope } from '../scopes/span-scope.ts'
import { DefaultStreamScope } from '../scopes/stream-scope.ts'
import type { TraceScope } from './trace-event.ts'
import type { AnyScope } from '../scopes/graph-tracer.ts'

/**
 * What a scope is, in the parts that its name is made of
 */
export function traceScope (scope: AnyScope): TraceScope {
  if (scope instanceof AggregateScope) {
    return aggregateScope(scope)
  }

  if (scope instanceof SpanScope) {
    const owner = traceScope(scope.owner)

    return { ...owner, span: owner.span == null ? String(scope.serial) : `${owner.span}.span-${scope.serial}` }
  }

  if (scope.kind === 'conn') {
    return { class: 'conn', conn: String(scope.serial) }
  }

  const connection = scope instanceof DefaultStreamScope ? scope.connection : undefined

  return { class: 'stream', stream: String(scope.serial), ...connection === undefined ? {} : { conn: String(connection.serial) } }
}

function aggregateScope ({ whole, key, kind }: AggregateScope): TraceScope {
  switch (kind) {
    case 'service':
      return { class: 'service', service: key }
    case 'servicePeer':
      return { class: 'service-peer', service: whole?.key, peer: key }
    case 'protocol':
      return { class: 'protocol', protocol: key }
    case 'protocolPeer':
      return { class: 'protocol-peer', protocol: whole?.key, peer: key }
    case 'peer':
      return { class: 'peer', peer: key }
    default:
      return { class: kind }
  }
}
