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

export type ScopeKind = typeof SCOPE_KINDS[number]
