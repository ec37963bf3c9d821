/**
 * @packageDocumentation
 *
 * Throughput sessions without a node: a registry of collectors that count bytes and bit
 * rates, and what decides which addresses they observe.
 *
 * @example
 *
 * ```ts
 * import { SessionRegistry } from 'libp2p-resource-manager/sessions'
 *
 * const registry = new SessionRegistry()
 * const collector = registry.register('downloads', { maxSessions: 100 })
 *
 * collector.registerAndActivate('1', '/a-file', '/ip4/192.0.2.1/tcp/4001', '12D3Koo…')
 * collector.ingress('1', 1024)
 *
 * console.info(registry.summary('downloads').currentRxBitrate)
 * ```
 *
 * @module libp2p-resource-manager/sessions
 */

export { collectorId } from './sessions/arguments.ts'
export { createCollector } from './sessions/default-collector.ts'
export { IPLimiter, NullIPLimiter } from './sessions/ip-limiter.ts'
export { NullCollector } from './sessions/null-collector.ts'
export { SessionRegistry } from './sessions/registry.ts'
export type { CollectorConfig } from './sessions/collector-config.ts'
export type { Collector, Summary } from './sessions/collector.ts'
export type { HistoryDatastore, HistoryStoreInit } from './sessions/history-store.ts'
export type { HistorySummary, PeerStats, SessionStats } from './sessions/history.ts'
export type { IPFilter, IPLimiterInit } from './sessions/ip-limiter.ts'
export type { SessionRegistryInit, SessionRegistryReader } from './sessions/registry.ts'
export type { ObservedSession, SessionObserver } from './sessions/session-observer.ts'
export type { Session } from './sessions/session.ts'
