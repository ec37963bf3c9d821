import { checkName, checkPeer } from '../scopes/arguments.ts'
import { getConnectionScope, getStreamScope } from '../scopes/attached-scopes.ts'
import { DefaultConnectionScope } from '../scopes/connection-scope.ts'
import { unwrapScope } from '../scopes/scope-views.ts'
import { DefaultStreamScope } from '../scopes/stream-scope.ts'
import { view } from '../scopes/view.ts'
import { atOnce } from '../util/slices.ts'
import { toMultiaddr } from '../util/to-multiaddr.ts'
import { graphStat } from './graph-stat.ts'
import { ManagerHost } from './host.ts'
import type { ResourceManager, SetLimitsOptions } from '../interface.ts'
import type { Core } from './core.ts'
import type { FleetLink, FleetMember } from './fleet-link.ts'
import type { HostedNode } from './host.ts'
import type { ResourceManagerInit } from './resource-manager-init.ts'
import type { Holder, HoldersOptions, ResourceManagerStat } from './resource-manager-stat.ts'
import type { AdmissionChanges } from '../admission/admission-options.ts'
import type { Allowlist } from '../admission/allowlist.ts'
import type { NetworkPrefixLimit } from '../admission/subnet-limits.ts'
import type { Bans } from '../bans/ban.ts'
import type { LimitChange } from '../limits/limit-changes.ts'
import type { ConcreteLimitConfig } from '../limits/limit-config.ts'
import type { LimitsInit } from '../limits/resolve-limits.ts'
import type { Explanation } from '../reporting/explain.ts'
import type { HighWaterMark } from '../reporting/high-water-marks.ts'
import type { HoldersSource } from '../reporting/holders.ts'
import type { MetricsSource } from '../reporting/metric-family.ts'
import type { RecentEviction } from '../reporting/recent-evictions.ts'
import type { RecentRefusal, RecentRefusalsOptions } from '../reporting/recent-refusals.ts'
import type { RefusalCount } from '../reporting/refusal-counts.ts'
import type { ReservationRequest } from '../reporting/reservation-request.ts'
import type { ScopeUsage, UsageOptions } from '../reporting/scope-usage.ts'
import type { EvictionCount } from '../scopes/evictions.ts'
import type { ConnectionManagementScope, ConnectionScope, OwnedServiceScope, PeerScope, ProtocolScope, ResourceScope, ResourceScopeLimiter, ServiceScope, StreamManagementScope, StreamScope } from '../scopes/resource-scope.ts'
import type { ScopeGraph } from '../scopes/scope-graph.ts'
import type { SessionRegistry } from '../sessions/registry.ts'
import type { SlicedWork } from '../util/slices.ts'
import type { Shadow } from '../what-if/shadow.ts'
import type { Connection, Logger, MessageStreamDirection, MultiaddrConnection, PeerId, Stream } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * The resource manager that users call: it throws the refusals of the core, and shows what is
 * there. Features do everything optional: they have registered with the host.
 */
export class DefaultResourceManager implements ResourceManager {
  readonly log: Logger

  /**
   * Does the work. It returns refusals, and this class throws them.
   */
  readonly core: Core
  protected readonly host: ManagerHost
  readonly #graph: ScopeGraph
  // how often it was started or stopped
  #changes = 0

  /** The other nodes, where there are any */
  readonly fleet?: FleetLink

  /**
   * @param init - with the features that there are
   * @param node - where there is one
   */
  constructor (init: ResourceManagerInit = {}, node?: HostedNode) {
    const host = new ManagerHost(init, node)

    this.host = host
    this.core = host.core
    this.log = host.log
    this.#graph = host.core.graph
    this.fleet = init.fleet

    if (init.fleet !== undefined) {
      const { fleet } = init

      host.stats.push(() => ({ fleet: fleet.view() }))
    }
  }

  readonly [Symbol.toStringTag]: string = 'libp2p-resource-manager'

  async start (): Promise<void> {
    const change = ++this.#changes

    await this.host.start()

    // who was stopped in the meantime must not be in the fleet
    if (change === this.#changes) {
      await this.fleet?.start(this.#fleetMember, this.core.admission)
    }
  }

  /**
   * Only a node calls this. A manager that was made without the components of a node would
   * count nothing of it, and nobody would notice.
   */
  afterStart (): void | Promise<void> {
    const warning = 'this resource manager counts nothing of its node: pass resourceManager() as the service, not createResourceManager()'

    this.log.error(warning)
    this.host.warnProcess('RESOURCE_MANAGER_LIMITS', warning)
  }

  async stop (): Promise<void> {
    this.#changes++
    await Promise.all([this.host.stop(), this.fleet?.stop()])
  }

  viewSystem<T> (fn: (scope: ResourceScope & ResourceScopeLimiter) => T): T {
    return fn(this.#graph.normal.system)
  }

  viewTransient<T> (fn: (scope: ResourceScope & ResourceScopeLimiter) => T): T {
    return fn(this.#graph.normal.transient)
  }

  viewService<T> (service: string, fn: (scope: ServiceScope) => T): T {
    checkName('service', service)

    return view(this.#graph.getService(service), fn)
  }

  viewProtocol<T> (protocol: string, fn: (scope: ProtocolScope) => T): T {
    checkName('protocol', protocol)

    return view(this.#graph.getProtocol(protocol), fn)
  }

  viewPeer<T> (peer: PeerId, fn: (scope: PeerScope) => T): T {
    checkPeer(peer)

    return view(this.#graph.getPeer(peer), fn)
  }

  openConnection (direction: MessageStreamDirection, usefd: boolean, endpoint?: Multiaddr | string): ConnectionManagementScope {
    const opened = this.core.openConnection(direction, usefd, endpoint == null ? undefined : toMultiaddr(endpoint, 'endpoint'))

    if (!(opened instanceof DefaultConnectionScope)) {
      throw this.#graph.errorOf(opened)
    }

    return opened
  }

  openStream (peer: PeerId, direction: MessageStreamDirection, connection?: ConnectionScope): StreamManagementScope {
    const opened = this.core.openStream(peer, direction, unwrapScope(connection))

    if (!(opened instanceof DefaultStreamScope)) {
      throw this.#graph.errorOf(opened)
    }

    return opened
  }

  openService (service: string): OwnedServiceScope {
    return this.#graph.openService(service)
  }

  getConnectionScope (connection: Connection | MultiaddrConnection): ConnectionScope {
    return getConnectionScope(connection)
  }

  getStreamScope (stream: Stream): StreamScope {
    return getStreamScope(stream)
  }

  stat (): ResourceManagerStat {
    return { ...graphStat(this.#graph), ...this.host.nodeStat() }
  }

  holders (options?: HoldersOptions): Holder[] {
    return this.host.methods.inspection.holders(options)
  }

  refusals (): RefusalCount[] {
    return this.host.methods.refusals.refusals()
  }

  recentRefusals (options?: RecentRefusalsOptions): RecentRefusal[] {
    return this.host.methods.inspection.recentRefusals(options)
  }

  recentEvictions (): RecentEviction[] {
    return this.host.methods.inspection.recentEvictions()
  }

  highWaterMarks (): HighWaterMark[] {
    return this.host.methods.inspection.highWaterMarks()
  }

  evictions (): EvictionCount[] {
    return this.#graph.evictions.entries()
  }

  explain (request: ReservationRequest): Explanation {
    return this.host.methods.inspection.explain(request)
  }

  usage (options?: UsageOptions): ScopeUsage[] {
    return this.host.methods.inspection.usage(options)
  }

  /**
   * What `console.log` of Node.js shows
   */
  [Symbol.for('nodejs.util.inspect.custom')] (): string {
    return this.toString()
  }

  toString (): string {
    return [this.host.table?.() ?? 'resource manager', ...this.notes()].join('\n')
  }

  /**
   * What people should know beside what is in the table
   */
  notes (): string[] {
    return this.host.notes.flatMap(note => note())
  }

  listServices (): string[] {
    return [...this.#graph.services.keys()]
  }

  listProtocols (): string[] {
    return [...this.#graph.protocols.keys()]
  }

  listPeers (): PeerId[] {
    return Array.from(this.#graph.peers.values(), scope => scope.peer)
  }

  setLimits (limits: NonNullable<LimitsInit['limits']>, options?: SetLimitsOptions): LimitChange[] {
    return this.changeLimits(limits, options, work => { atOnce(work) })
  }

  /**
   * @param limits
   * @param options
   * @param run - does the work that changes the limits of scopes, at least its first slice at
   * once
   */
  changeLimits (limits: NonNullable<LimitsInit['limits']>, options: SetLimitsOptions = {}, run: (work: SlicedWork<void>) => void): LimitChange[] {
    const before = this.limits

    this.host.limits.change(limits, options, run)

    const after = this.limits

    return before == null || after == null ? [] : this.host.logChanges?.(before, after) ?? []
  }

  get limits (): ConcreteLimitConfig | undefined {
    return this.host.limits.config
  }

  get sessions (): SessionRegistry {
    return this.host.methods.sessions.sessions
  }

  get allowlist (): Allowlist {
    return this.host.methods.admission.allowlist
  }

  get shadow (): Shadow | undefined {
    return this.host.shadow
  }

  get bans (): Bans | undefined {
    return this.host.bans
  }

  report (peer: PeerId, reason: string, strikes?: number): void {
    checkPeer(peer)
    this.host.report?.(peer, reason, strikes)
  }

  setAdmission (options: AdmissionChanges): void {
    this.host.methods.admission.setAdmission(options)
  }

  addPrefixLimit (limit: NetworkPrefixLimit): void {
    this.host.methods.admission.addPrefixLimit(limit)
  }

  removePrefixLimit (network: string): boolean {
    return this.host.methods.admission.removePrefixLimit(network)
  }

  verifySourceAddress (address: string | Multiaddr): boolean {
    return this.core.admission?.verifySourceAddress(address) === true
  }

  systemState (): string {
    return this.host.methods.inspection.systemState()
  }

  serviceState (service: string): string {
    return this.host.methods.inspection.serviceState(service)
  }

  gc (): void {
    this.#graph.idle.collectAll()
  }

  /**
   * What metrics are read from
   */
  get metricsSource (): MetricsSource {
    return this.host.metricsSource
  }

  /**
   * The connections and streams, which only a node knows
   */
  get holdersSource (): HoldersSource {
    return this.host.holdersSource
  }

  get #fleetMember (): FleetMember {
    const { core, log, metricsSource } = this

    return {
      log,
      enforces: core.enforces,
      metricsSource,
      isAllowlisted: address => core.trust.isAllowlisted(address),
      collectors: core.collectors,
      errorOf: refusal => core.errorOf(refusal),
      warn: message => { core.warn(message) }
    }
  }
}
