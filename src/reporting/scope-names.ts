import type { ScopeKind } from '../scopes/scope-kind.ts'

/**
 * What the name of a scope says
 */
export interface ParsedScopeName {
  /**
   * The kind of the scope, or of the one that a span belongs to
   */
  kind: Exclude<ScopeKind, 'span'>

  /**
   * Of the kinds `service` and `servicePeer`
   */
  service?: string

  /**
   * Of the kinds `protocol` and `protocolPeer`
   */
  protocol?: string

  /**
   * The peer id, of the kinds `peer`, `servicePeer` and `protocolPeer`
   */
  peer?: string

  /** The number of the connection or stream, for the kinds `conn` and `stream` */
  number?: number

  /**
   * Whether it is a span of such a scope, or a span of a span
   */
  isSpan: boolean
}

const SPAN = '.span-'
const SPANS_AT_THE_END = /(?:\.span-\d+)+$/
const NUMBERED = /^(conn|stream)-(\d+)$/
const KEYED = /^(service|protocol|peer):(.*)$/s
const PEER_AT_THE_END = /^(.*)\.peer:([0-9A-Za-z]+)$/s
const ROOTS = ['system', 'transient', 'allowlistedSystem', 'allowlistedTransient'] as const

/**
 * Whether a scope is a span, by its name
 */
export function isSpan (name: string): boolean {
  return name.includes(SPAN)
}

/**
 * Whether it is the name of the scope of the whole node
 */
export function isSystemScope (name: string): boolean {
  return name === 'system'
}

/**
 * Whether it is the name of the scope of what has no peer or no protocol yet
 */
export function isTransientScope (name: string): boolean {
  return name === 'transient'
}

/**
 * Whether it is the name of a connection's scope, and not of a span of it
 */
export function isConnScope (name: string): boolean {
  return name.startsWith('conn-') && !isSpan(name)
}

/**
 * Whether it is the name of a stream's scope, and not of a span of it
 */
export function isStreamScope (name: string): boolean {
  return name.startsWith('stream-') && !isSpan(name)
}

/**
 * The protocol in the name of a protocol's scope. For everything else, and also for what
 * a peer has of a protocol and for spans, it is empty, as in go-libp2p.
 */
export function parseProtocolScopeName (name: string): string {
  return name.startsWith('protocol:') && !isSpan(name) && !name.includes('peer:') ? name.slice('protocol:'.length) : ''
}

/**
 * The peer id in the name of a peer's scope. For everything else, and also for what a
 * peer has of a protocol or service and for spans, it is empty, as in go-libp2p.
 */
export function peerStrInScopeName (name: string): string {
  return name.startsWith('peer:') && !isSpan(name) ? name.slice('peer:'.length) : ''
}

/**
 * Everything that the name of a scope says, as it is in errors, traces and metrics.
 *
 * Protocols and services may have any name. A name that ends like that of a span or of a peer's
 * share (`.span-1`, `.peer:12D3Koo`) is read as one.
 *
 * @returns undefined if no scope is called so
 */
export function parseScopeName (name: string): ParsedScopeName | undefined {
  const owner = name.replace(SPANS_AT_THE_END, '')
  const scope = parseOwner(owner)

  return scope === undefined ? undefined : { ...scope, isSpan: owner !== name }
}

function parseOwner (name: string): Omit<ParsedScopeName, 'isSpan'> | undefined {
  const root = ROOTS.find(kind => kind === name)

  if (root !== undefined) {
    return { kind: root }
  }

  const numbered = NUMBERED.exec(name)

  if (numbered !== null) {
    return { kind: numbered[1] as 'conn' | 'stream', number: Number(numbered[2]) }
  }

  const keyed = KEYED.exec(name)

  return keyed === null ? undefined : parseKeyed(keyed[1] as 'service' | 'protocol' | 'peer', keyed[2])
}

function parseKeyed (kind: 'service' | 'protocol' | 'peer', key: string): Omit<ParsedScopeName, 'isSpan'> {
  const share = kind === 'peer' ? null : PEER_AT_THE_END.exec(key)

  return share === null ? { kind, [kind]: key } : { kind: `${kind as 'service' | 'protocol'}Peer`, [kind]: share[1], peer: share[2] }
}
