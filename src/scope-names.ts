/**
 * @packageDocumentation
 *
 * Parses the names of scopes, as they are in errors, traces and metrics.
 *
 * @example
 *
 * ```ts
 * import { parseScopeName } from 'libp2p-resource-manager/scope-names'
 *
 * parseScopeName('protocol:/ipfs/id/1.0.0.peer:12D3KooWJzTf')
 * // { kind: 'protocolPeer', protocol: '/ipfs/id/1.0.0', peer: '12D3KooWJzTf', isSpan: false }
 * ```
 *
 * @module libp2p-resource-manager/scope-names
 */

export { isConnScope, isSpan, isStreamScope, isSystemScope, isTransientScope, parseProtocolScopeName, parseScopeName, peerStrInScopeName } from './reporting/scope-names.ts'
export type { ParsedScopeName } from './reporting/scope-names.ts'
export type { ScopeKind } from './scopes/scope-kind.ts'
