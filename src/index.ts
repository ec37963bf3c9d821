/**
 * @packageDocumentation
 *
 * A resource manager for js-libp2p: it accounts for every connection, stream, file
 * descriptor and byte that a node holds, in a graph of scopes, and refuses what
 * would exceed a limit. It brings go-libp2p's resource manager to JavaScript.
 *
 * @example
 *
 * ```ts
 * import { createLibp2p } from 'libp2p'
 * import { getStreamScope, resourceManager } from 'libp2p-resource-manager'
 *
 * const node = await createLibp2p({
 *   services: {
 *     resourceManager: resourceManager({
 *       limits: {
 *         system: { connsInbound: 200, streamsOutbound: 'unlimited' },
 *         peerDefault: { streamsInbound: 64 }
 *       }
 *     })
 *   }
 * })
 *
 * // optional: a handler can say which service a stream belongs to
 * await node.handle('/my/1.0.0', (stream) => {
 *   getStreamScope(stream).setService('my-service')
 * })
 *
 * console.info(node.services.resourceManager.systemState())
 * ```
 *
 * @module libp2p-resource-manager
 */

import { defaultFeatures } from './features/default-features.ts'
import { checkNodeOptions } from './libp2p/check-node-options.ts'
import { ResourceManagerService } from './libp2p/resource-manager-service.ts'
import { checkOptions } from './manager/check-options.ts'
import { NullResourceManager } from './manager/null-resource-manager.ts'
import { DefaultResourceManager } from './manager/resource-manager.ts'
import { checkObject, invalid } from './util/validation.ts'
import type { ResourceManager } from './interface.ts'
import type { ResourceManagerComponents } from './libp2p/node-host.ts'
import type { ResourceManagerInit } from './manager/resource-manager-init.ts'

/**
 * The resource manager as a service of a libp2p node. It wraps the parts of the node that
 * open connections and streams, so protocols and transports need no change.
 *
 * @throws {InvalidParametersError} naming an option that does not exist, or whose feature is
 * missing. What options contain is checked when the node is created.
 */
export function resourceManager (init: ResourceManagerInit = {}): (components: ResourceManagerComponents) => ResourceManager {
  const checked = check(init)

  return (components) => checked.enabled === false ? new NullResourceManager(checked) : new ResourceManagerService(components, checked)
}

/**
 * A resource manager that is not wired to a node, for custom stacks, tests and tools: you open
 * and close the scopes. It has no buffers, handlers and handshakes to look at, so the options
 * for these do nothing.
 *
 * @throws {InvalidParametersError} naming the option that cannot be used
 */
export function createResourceManager (init: ResourceManagerInit = {}): ResourceManager {
  const checked = check(init)

  if (checked.enabled === false) {
    return new NullResourceManager(checked)
  }

  if (checked.manager !== undefined) {
    throw invalid('manager', 'a node that asks it: resourceManager({ manager })', checked.manager)
  }

  checkNodeOptions(checked)

  return new DefaultResourceManager(checked)
}

/**
 * Hands the default features in, unless there are others
 */
function check (init: ResourceManagerInit): ResourceManagerInit {
  checkObject('options', init)

  const checked = init.features === undefined ? { ...init, features: defaultFeatures } : init

  checkOptions(checked)

  return checked
}

export { NullResourceManager }
export { getConnectionScope, getStreamScope } from './scopes/attached-scopes.ts'
export { NullScope } from './scopes/null-scopes.ts'
export type { NullScopeSubject } from './scopes/null-scopes.ts'
export { MEMORY_PRIORITY_ALWAYS, MEMORY_PRIORITY_HIGH, MEMORY_PRIORITY_LOW, MEMORY_PRIORITY_MEDIUM } from './scopes/memory-priority.ts'
export * from './errors.ts'

export type { ResourceManager, SetLimitsOptions } from './interface.ts'
export type { ResourceManagerInit } from './manager/resource-manager-init.ts'
export type { BansStat, EventLoopDelayStat, HandlersStat, Holder, HoldersOptions, ProcessMemoryStat, ResourceManagerStat, TransientHolder, TransientTimeoutsStat } from './manager/resource-manager-stat.ts'
export type { FairnessInit, HandshakesInit, PrefixLengths } from './fairness/fairness-init.ts'
export type { Features } from './manager/features.ts'
export type { FleetReader } from './manager/fleet-link.ts'
export type { BaseCostsInit } from './libp2p/connections/base-costs.ts'
export type { CustomConnectionScope, CustomResourceManager, CustomStreamScope } from './libp2p/custom-manager.ts'
export type { EventLoopDelayInit } from './libp2p/pressure/event-loop-delay.ts'
export type { ProcessMemoryInit } from './libp2p/pressure/process-memory.ts'
export type { PressureInit } from './libp2p/pressure/process-pressure.ts'
export type { ResourceManagerComponents } from './libp2p/node-host.ts'
export type { Explanation, Headroom } from './reporting/explain.ts'
export type { ConnectionRequest, MemoryRequest, ReservationRequest, StreamRequest } from './reporting/reservation-request.ts'
export type { ScopeUsage, UsageOptions } from './reporting/scope-usage.ts'
export type { MetricsReporter } from './reporting/metrics-reporter.ts'
export type { TraceEvent, TraceEventType, TraceReporter, TraceScope } from './reporting/trace-event.ts'
export type { EvictionCount } from './scopes/evictions.ts'
export type { SharedLimit } from './scopes/shared-limit.ts'
export type { Shadow, ShadowStat } from './what-if/shadow.ts'
export type { HighWaterMark } from './reporting/high-water-marks.ts'
export type { NamedRequester } from './reporting/requester.ts'
export type { RecentEviction } from './reporting/recent-evictions.ts'
export type { RecentRefusal, RecentRefusalsOptions } from './reporting/recent-refusals.ts'
export type { WarningCode } from './util/process-warnings.ts'
export type { ResourceManagerError } from './util/resource-manager-error.ts'
export type { RefusalCount } from './reporting/refusal-counts.ts'
export type { ConnectionManagementScope, ConnectionScope, OwnedServiceScope, PeerScope, ProtocolScope, ResourceScope, ResourceScopeLimiter, ResourceScopeSpan, ScopeStat, ServiceScope, StreamManagementScope, StreamScope } from './scopes/resource-scope.ts'
export type { AllowlistEntry } from './admission/allowlist-entry.ts'
export type { Allowlist } from './admission/allowlist.ts'
export type { BanTarget } from './bans/ban-target.ts'
export type { Ban, BanLevel } from './bans/ban.ts'
export type { BansInit } from './bans/bans-init.ts'
export type { BanOptions, Bans, StrikeKind } from './bans/ban.ts'
export type { AdmissionChanges } from './admission/admission-options.ts'
export type { AdmissionOptions, RateLimitsInit } from './admission/admission-options.ts'
export type { NetworkInit } from './admission/networks.ts'
export type { RateLimitOptions } from './admission/rate-limit-handler.ts'
export type { ConnectionRateLimits, NetworkPrefixRate, Rate, RateLimits, SubnetRate } from './admission/rate-limits.ts'
export type { StreamRateLimits } from './admission/stream-rates.ts'
export type { ConnCount, NetworkPrefixLimit, SubnetLimit, SubnetLimits } from './admission/subnet-limits.ts'
export type { CheckLimitsOptions } from './limits/check-limits.ts'
export type { LimitKnobs } from './limits/derive-limits.ts'
export type { ConcreteLimitConfig, NamedKey, PartialLimitConfig, ScopeKey } from './limits/limit-config.ts'
export type { Limit, LimitValue, ResourceLimits, SizeText } from './limits/limit.ts'
export type { LimitChange } from './limits/limit-changes.ts'
export type { Limiter } from './limits/limiter.ts'
export type { MemorySize } from './limits/memory-size.ts'
export type { ProfileName } from './limits/profiles.ts'
export type { SettingPath } from './limits/setting.ts'
export type { LimitsInit } from './limits/resolve-limits.ts'
export type { LimitIncrease, ScalingLimit, ScalingLimitConfigInit, ScalingLimitInit } from './limits/scale.ts'
export type { Bitrate } from './sessions/bitrate.ts'
export type { CollectorConfig } from './sessions/collector-config.ts'
export type { Collector, Summary } from './sessions/collector.ts'
export type { HistoryDatastore, HistoryStoreInit } from './sessions/history-store.ts'
export type { EvictedHistory, HistorySummary, PeerStats, SessionStats } from './sessions/history.ts'
export type { IPFilter, IPLimiterInit } from './sessions/ip-limiter.ts'
export type { SessionRegistry, SessionRegistryInit, SessionRegistryReader } from './sessions/registry.ts'
export type { ServiceCollectorConfig, SessionsInit } from './sessions/sessions-init.ts'
export type { ObservedSession, SessionObserver } from './sessions/session-observer.ts'
export type { Session } from './sessions/session.ts'
export type { Bitrates, ThrottleInit } from './sessions/stream-budgets.ts'
