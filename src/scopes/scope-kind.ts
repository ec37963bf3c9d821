/**
 * The kinds of scope, in the order of the graph from the top down
 */
export const SCOPE_KINDS = [
  'system',
  'transient',
  'allowlistedSystem',
  'allowlistedTransient',
  'service',
  'servicePeer',
  'protocol',
  'protocolPeer',
  'peer',
  'conn',
  'stream',
  'span'
] as const

/**
 * The kind of a scope, such as `system`, `peer` or `protocolPeer`
 */
export type ScopeKind = typeof SCOPE_KINDS[number]
