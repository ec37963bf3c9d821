import type { Limit, ParsedLimits, ResourceLimits } from './limit.ts'

/**
 * The parts of a limit configuration that apply to one scope or to one kind of
 * scope, in the order in which they are printed and written
 */
export const SCOPE_KEYS = [
  'system',
  'transient',
  'allowlistedSystem',
  'allowlistedTransient',
  'serviceDefault',
  'servicePeerDefault',
  'protocolDefault',
  'protocolPeerDefault',
  'peerDefault',
  'conn',
  'stream'
] as const

/**
 * The parts of a limit configuration that are keyed by the name of a service,
 * by a protocol or by a peer id, in the order in which they are printed and
 * written
 */
export const NAMED_KEYS = [
  'service',
  'servicePeer',
  'protocol',
  'protocolPeer',
  'peer'
] as const

/**
 * The parts of a limit configuration that apply to one scope or to one kind of scope
 */
export type ScopeKey = typeof SCOPE_KEYS[number]
/**
 * The parts of a limit configuration that are keyed by a name: of a service, a protocol or a peer
 */
export type NamedKey = typeof NAMED_KEYS[number]

/**
 * Limits as users write them: everything that is left out, and every field that
 * is `'default'`, is taken from the defaults it is built on.
 *
 * `service`, `servicePeer`, `protocol`, `protocolPeer` and `peer` are keyed by
 * the name of the service, by the protocol or by the peer id. A name with a `*`, such
 * as `/orbitdb/*`, is for all that have no entry of their own and begin and end so:
 * each of them has these limits. Where several fit, the most specific one counts.
 */
export type PartialLimitConfig =
  { [K in ScopeKey]?: ResourceLimits } &
  { [K in NamedKey]?: Record<string, ResourceLimits> }

/**
 * The same, with every value written in one way
 */
export type ParsedLimitConfig =
  { [K in ScopeKey]?: ParsedLimits } &
  { [K in NamedKey]?: Record<string, ParsedLimits> }

/**
 * Limits with nothing left open: those in force.
 *
 * `service`, `servicePeer`, `protocol`, `protocolPeer` and `peer` are keyed by
 * the name of the service, by the protocol or by the peer id.
 */
export type ConcreteLimitConfig =
  { [K in ScopeKey]: Limit } &
  { [K in NamedKey]: Record<string, Limit> }
