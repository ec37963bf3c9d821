import { defaultFeatures } from '../features/default-features.ts'
import { InfiniteLimits } from '../limits/infinite-limits.ts'
import { NULL_CONNECTION, NULL_STREAM } from '../scopes/attached-scopes.ts'
import { nullScope, nullScopeOf } from '../scopes/null-scopes.ts'
import { missing } from './features.ts'
import type { FeatureMethods } from './feature.ts'
import type { Features } from './features.ts'
import type { ResourceManager } from '../interface.ts'
import type { ResourceManagerStat } from './resource-manager-stat.ts'
import type { Allowlist } from '../admission/allowlist.ts'
import type { ConcreteLimitConfig } from '../limits/limit-config.ts'
import type { Explanation } from '../reporting/explain.ts'
import type { HighWaterMark } from '../reporting/high-water-marks.ts'
import type { RecentEviction } from '../reporting/recent-evictions.ts'
import type { RecentRefusal } from '../reporting/recent-refusals.ts'
import type { RefusalCount } from '../reporting/refusal-counts.ts'
import type { ScopeUsage } from '../reporting/scope-usage.ts'
import type { EvictionCount } from '../scopes/evictions.ts'
import type { ConnectionManagementScope, ConnectionScope, OwnedServiceScope, PeerScope, ProtocolScope, ResourceScope, ResourceScopeLimiter, ServiceScope, StreamManagementScope, StreamScope } from '../scopes/resource-scope.ts'
import type { SessionRegistry } from '../sessions/registry.ts'
import type { MessageStreamDirection, PeerId } from '@libp2p/interface'

/**
 * A resource manager that accounts for nothing and limits nothing
 */
export class NullResourceManager implements ResourceManager {
  readonly #features: Features
  #allowlist?: Allowlist
  #sessions?: SessionRegistry

  constructor ({ features = defaultFeatures }: { features?: Features } = {}) {
    this.#features = features
  }

  readonly [Symbol.toStringTag] = 'libp2p-null-resource-manager'

  get allowlist (): Allowlist {
    this.#allowlist ??= this.#off('admission').allowlist

    return this.#allowlist
  }

  get sessions (): SessionRegistry {
    this.#sessions ??= this.#off('sessions').sessions

    return this.#sessions
  }

  start (): void {}
  stop (): void {}
  gc (): void {}
  addPrefixLimit (): void {}
  report (): void {}
  setAdmission (): void {}

  setLimits (): [] {
    return []
  }

  removePrefixLimit (): boolean {
    return false
  }

  verifySourceAddress (): boolean {
    return false
  }

  viewSystem<T> (fn: (scope: ResourceScope & ResourceScopeLimiter) => T): T {
    return fn(nullScope())
  }

  viewTransient<T> (fn: (scope: ResourceScope & ResourceScopeLimiter) => T): T {
    return fn(nullScope())
  }

  viewService<T> (service: string, fn: (scope: ServiceScope) => T): T {
    return fn(nullScopeOf({ service }))
  }

  viewProtocol<T> (protocol: string, fn: (scope: ProtocolScope) => T): T {
    return fn(nullScopeOf({ protocol }))
  }

  viewPeer<T> (peer: PeerId, fn: (scope: PeerScope) => T): T {
    return fn(nullScopeOf({ peer }))
  }

  openConnection (): ConnectionManagementScope {
    return nullScope()
  }

  openStream (peer: PeerId, _direction?: MessageStreamDirection): StreamManagementScope {
    return nullScopeOf({ peer })
  }

  openService (service: string): OwnedServiceScope {
    return nullScopeOf({ service })
  }

  getConnectionScope (): ConnectionScope {
    return NULL_CONNECTION
  }

  getStreamScope (): StreamScope {
    return NULL_STREAM
  }

  stat (): ResourceManagerStat {
    const nothing = nullScope().stat()

    return {
      system: nothing,
      transient: nothing,
      allowlistedSystem: nothing,
      allowlistedTransient: nothing,
      services: {},
      protocols: {},
      peers: {}
    }
  }

  holders (): [] {
    return []
  }

  evictions (): EvictionCount[] {
    return []
  }

  refusals (): RefusalCount[] {
    return []
  }

  highWaterMarks (): HighWaterMark[] {
    return []
  }

  recentEvictions (): RecentEviction[] {
    return []
  }

  recentRefusals (): RecentRefusal[] {
    return []
  }

  explain (): Explanation {
    return { fits: true, headroom: [] }
  }

  usage (): ScopeUsage[] {
    return []
  }

  toString (): string {
    return 'resource manager: off'
  }

  listServices (): string[] {
    return []
  }

  listProtocols (): string[] {
    return []
  }

  listPeers (): PeerId[] {
    return []
  }

  get limits (): ConcreteLimitConfig {
    return InfiniteLimits
  }

  systemState (): string {
    return this.#off('inspection').systemState()
  }

  serviceState (service: string): string {
    return this.#off('inspection').serviceState(service)
  }

  #off <K extends 'admission' | 'inspection' | 'sessions'> (feature: K): FeatureMethods[K] {
    return this.#features[feature]?.off?.() ?? missing(feature)
  }
}
