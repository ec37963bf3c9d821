/**
 * @packageDocumentation
 *
 * Decisions by address, for protocols and tools: how often a protocol may be used, and a list
 * of trusted addresses. A resource manager has both built in.
 *
 * @example
 *
 * ```ts
 * import { rateLimit } from 'libp2p-resource-manager/admission'
 * import type { Libp2p, StreamHandler } from '@libp2p/interface'
 *
 * async function register (node: Libp2p, handler: StreamHandler): Promise<void> {
 *   await node.handle('/my/1.0.0', rateLimit(handler, {
 *     peer: { rate: 1, burst: 10 }
 *   }))
 * }
 * ```
 *
 * @module libp2p-resource-manager/admission
 */

export { Allowlist } from './admission/allowlist.ts'
export { DefaultNetworkPrefixLimits } from './admission/subnet-limits.ts'
export { rateLimit } from './admission/rate-limit-handler.ts'
export type { AllowlistEntry } from './admission/allowlist-entry.ts'
export type { RateLimitOptions } from './admission/rate-limit-handler.ts'
export type { Rate } from './admission/rate-limits.ts'
export type { NetworkPrefixLimit } from './admission/subnet-limits.ts'
export type { PeerPredicate, PeerTag } from './admission/trusted-peers.ts'
