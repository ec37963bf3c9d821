import { parseScopeName } from '../reporting/scope-names.ts'
import { isRecord } from '../util/validation.ts'
import type { ParsedScopeName } from '../reporting/scope-names.ts'
import type { TraceEvent, TraceEventType } from '../reporting/trace-event.ts'

/**
 * An event of a trace, as it was read
 */
export interface RecordedEvent extends Pick<TraceEvent, 'priority' | 'delta' | 'deltaIn' | 'deltaOut' | 'memory' | 'streamsIn' | 'streamsOut' | 'connsIn' | 'connsOut' | 'fd'> {
  /** In ms since 1970 */
  time: number
  type: TraceEventType
  name: string

  /** Not set for `start`, and for what is no scope */
  scope?: ParsedScopeName

  /** The connection that a stream is opened on */
  connection?: string

  /** The scope for which this one has changed, if it is another one */
  of?: string
  joining?: string
  buffered: boolean

  /** The peer that was refused */
  requester?: string
  limit?: unknown
}

const TYPES = new Set<string>([
  'start', 'create_scope', 'destroy_scope',
  'reserve_memory', 'block_reserve_memory', 'release_memory',
  'add_stream', 'block_add_stream', 'remove_stream',
  'add_conn', 'block_add_conn', 'remove_conn',
  'add_session', 'remove_session', 'evict', 'ban', 'lift'
] satisfies TraceEventType[])

/**
 * The classes of what refuses and is no scope
 */
const NO_SCOPES = new Set<unknown>(['subnet', 'rate', 'collector', 'process', 'ban', 'session'])

function text (value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/**
 * What is left out is 0
 */
function number (value: unknown): number {
  if (value === undefined) {
    return 0
  }

  return typeof value === 'number' && Number.isSafeInteger(value) ? value : NaN
}

/**
 * Reads a line of a trace, of go-libp2p as well
 *
 * @returns undefined if it is no event
 */
export function parseEvent (line: string): RecordedEvent | undefined {
  let json: any

  try {
    json = JSON.parse(line)
  } catch {
    return
  }

  if (!isRecord(json) || typeof json.Type !== 'string' || !TYPES.has(json.Type)) {
    return
  }

  const part = isRecord(json.Scope) ? json.Scope : {}
  const name = text(json.Name) ?? ''

  const event: RecordedEvent = {
    time: Date.parse(String(json.Time)),
    type: json.Type as TraceEventType,
    name,
    scope: NO_SCOPES.has(part.Class) ? undefined : scopeOf(name, part),
    connection: part.Class === 'stream' && text(part.Conn) !== undefined ? `conn-${part.Conn}` : undefined,
    of: text(json.Of),
    joining: text(json.Joining),
    buffered: json.Buffered === true,
    requester: isRecord(json.Requester) ? text(json.Requester.Peer) : undefined,
    priority: number(json.Priority),
    delta: number(json.Delta),
    deltaIn: number(json.DeltaIn),
    deltaOut: number(json.DeltaOut),
    memory: number(json.Memory),
    streamsIn: number(json.StreamsIn),
    streamsOut: number(json.StreamsOut),
    connsIn: number(json.ConnsIn),
    connsOut: number(json.ConnsOut),
    fd: number(json.FD),
    limit: json.Limit
  }

  return isSound(event) ? event : undefined
}

/**
 * Nobody says what is in a file
 */
function isSound ({ connsIn, connsOut, delta, deltaIn, deltaOut, fd, memory, priority, streamsIn, streamsOut, time, type }: RecordedEvent): boolean {
  const held = [memory, streamsIn, streamsOut, connsIn, connsOut, fd]

  return !Number.isNaN(time + delta + deltaIn + deltaOut) &&
    (type.endsWith('session') || (isCount(deltaIn) && isCount(deltaOut))) &&
    priority >= 0 && priority <= 255 &&
    held.every(value => value >= 0)
}

/**
 * They are opened one by one. Only an end releases many at once.
 */
const MAX_ADDED = 16
const MAX_REMOVED = 65_536

/**
 * Whether a trace may say that so many streams or connections were added
 */
function isCount (added: number): boolean {
  return added <= MAX_ADDED && added >= -MAX_REMOVED
}

/**
 * The parts of a scope say more than its name: a protocol may have the name of a peer's share
 * of another protocol. go-libp2p has the numbers of spans in other places.
 */
function scopeOf (name: string, { Class, Peer, Protocol, Service, Span }: Record<string, unknown>): ParsedScopeName | undefined {
  const parsed = parseScopeName(name)

  if (parsed === undefined || Span !== undefined || parsed.isSpan) {
    return parsed
  }

  const service = text(Service)
  const protocol = text(Protocol)
  const peer = text(Peer)

  switch (Class) {
    case 'service':
      return service === undefined ? parsed : { kind: 'service', service, isSpan: false }
    case 'protocol':
      return protocol === undefined ? parsed : { kind: 'protocol', protocol, isSpan: false }
    case 'service-peer':
      return service === undefined || peer === undefined ? parsed : { kind: 'servicePeer', service, peer, isSpan: false }
    case 'protocol-peer':
      return protocol === undefined || peer === undefined ? parsed : { kind: 'protocolPeer', protocol, peer, isSpan: false }
    default:
      return parsed
  }
}
