import { NAMED_KEYS, SCOPE_KEYS } from '../limits/limit-config.ts'
import { LIMIT_FIELDS } from '../limits/limit.ts'
import { fileKey } from '../limits/spelling.ts'
import type { NamedRequester } from './requester.ts'
import type { TraceEvent, TraceScope } from './trace-event.ts'
import type { ConcreteLimitConfig } from '../limits/limit-config.ts'
import type { Limit } from '../limits/limit.ts'

/**
 * An event as go-libp2p writes it: with its names and order of fields, and without those that
 * are 0. Sessions, refusals, evictions, and the scope that a change was for have fields that
 * go-libp2p does not know.
 */
export function traceToJSON (event: TraceEvent): string {
  return JSON.stringify({
    Time: new Date(event.time).toISOString(),
    Type: event.type,
    Scope: event.scope == null ? undefined : scopeToJSON(event.scope),
    Name: event.name,
    Of: event.of,
    Joining: event.joining,
    Buffered: event.buffered,
    Full: event.full,
    Requester: event.requester == null ? undefined : requesterToJSON(event.requester),
    Limit: event.limit == null ? undefined : limitToJSON(event.limit),
    Priority: omitZero(event.priority),
    Delta: omitZero(event.delta),
    DeltaIn: omitZero(event.deltaIn),
    DeltaOut: omitZero(event.deltaOut),
    Memory: omitZero(event.memory),
    StreamsIn: omitZero(event.streamsIn),
    StreamsOut: omitZero(event.streamsOut),
    ConnsIn: omitZero(event.connsIn),
    ConnsOut: omitZero(event.connsOut),
    FD: omitZero(event.fd)
  })
}

function omitZero (value: number): number | undefined {
  return value === 0 ? undefined : value
}

function scopeToJSON (scope: TraceScope): Record<string, string | undefined> {
  return {
    Class: scope.class,
    Conn: scope.conn,
    Stream: scope.stream,
    Service: scope.service,
    Protocol: scope.protocol,
    Peer: scope.peer,
    Span: scope.span,
    Collector: scope.collector,
    Session: scope.session,
    Reference: scope.reference,
    Location: scope.location
  }
}

function requesterToJSON ({ address, peer, protocol, service }: NamedRequester): Record<string, string | undefined> {
  return { Address: address, Peer: peer, Protocol: protocol, Service: service }
}

function limitToJSON (limit: ConcreteLimitConfig | Readonly<Limit>): Record<string, unknown> {
  if (!('system' in limit)) {
    return singleToJSON(limit)
  }

  const result: Record<string, unknown> = {}

  for (const key of SCOPE_KEYS) {
    result[fileKey(key)] = singleToJSON(limit[key])
  }

  for (const key of NAMED_KEYS) {
    result[fileKey(key)] = Object.fromEntries(Object.entries(limit[key]).map(([name, entry]) => [name, singleToJSON(entry)]))
  }

  return result
}

function singleToJSON (limit: Readonly<Limit>): Record<string, unknown> {
  return Object.fromEntries(LIMIT_FIELDS.map(field => [fileKey(field), valueToJSON(field, limit[field])]))
}

/**
 * As in limit files, unlimited is a word and memory is text: JSON has no infinity,
 * and does not promise to keep integers of 64 bits
 */
function valueToJSON (field: keyof Limit, value: number): number | string {
  if (value === Infinity) {
    return 'unlimited'
  }

  return field === 'memory' ? String(value) : value
}
