import { defaultLogger } from '@libp2p/logger'
import { defaultFeatures } from '../features/default-features.ts'
import { need } from '../features/features.ts'
import { changeLimits, isWhole } from '../limits/change-limits.ts'
import { ConcreteLimiter } from '../limits/limiter.ts'
import { parseLimits } from '../limits/parse-limits.ts'
import { resolveLimits } from '../limits/resolve-limits.ts'
import { checkName, checkPeer } from '../scopes/arguments.ts'
import { getConnectionScope, getStreamScope } from '../scopes/attached-scopes.ts'
import { DefaultConnectionScope } from '../scopes/connection-scope.ts'
import { ScopeGraph } from '../scopes/scope-graph.ts'
import { unwrapScope } from '../scopes/scope-views.ts'
import { DefaultStreamScope } from '../scopes/stream-scope.ts'
import { view } from '../scopes/view.ts'
import { BOOLEAN, checkDescribed } from '../util/description.ts'
import { isPattern } from '../util/name-table.ts'
import { atOnce } from '../util/slices.ts'
import { toMultiaddr } from '../util/to-multiaddr.ts'
import { WarningLog } from '../util/warning-log.ts'
import { Core } from './core.ts'
import { graphStat } from './graph-stat.ts'
import type { Features } from '../features/features.ts'
import type { ResourceManager, SetLimitsOptions } from '../interface.ts'
import type { FleetLink, FleetMember } from './fleet-link.ts'
import type { ResourceManagerInit } from './resource-manager-init.ts'
import type { Holder, HoldersOptions, NodeStat, ResourceManagerStat } from './resource-manager-stat.ts'
import type { AdmissionChanges } from '../admission/admission-options.ts'
import type { Admission } from '../admission/admission.ts'
import type { Allowlist } from '../admission/allowlist.ts'
import type { NetworkPrefixLimit } from '../admission/subnet-limits.ts'
import type { Bans } from '../bans/ban.ts'
import type { NodeBans } from '../libp2p/connections/node-bans.ts'
import type { LimitKnobs } from '../limits/derive-limits.ts'
import type { NodeDemand } from '../limits/fit-to-node.ts'
import type { LimitChange } from '../limits/limit-changes.ts'
import type { ConcreteLimitConfig, PartialLimitConfig } from '../limits/limit-config.ts'
import type { Limiter } from '../limits/limiter.ts'
import type { LimitsInit } from '../limits/resolve-limits.ts'
import type { NodeRefusals } from '../reporting/explain-opening.ts'
import type { Explanation } from '../reporting/explain.ts'
import type { HighWaterMark } from '../reporting/high-water-marks.ts'
import type { HoldersSource } from '../reporting/holders.ts'
import type { Inspector } from '../reporting/inspector.ts'
import type { MetricsSource } from '../reporting/metric-family.ts'
import type { RecentRefusal, RecentRefusalsOptions } from '../reporting/recent-refusals.ts'
import type { RefusalCount, RefusalCounts } from '../reporting/refusal-counts.ts'
import type { ReservationRequest } from '../reporting/reservation-request.ts'
import type { ScopeUsage, UsageOptions } from '../reporting/scope-usage.ts'
import type { Tracer } from '../reporting/tracer.ts'
import type { EvictionCount } from '../scopes/evictions.ts'
import type { MovableScope } from '../scopes/movable-scope.ts'
import type { ConnectionManagementScope, ConnectionScope, OwnedServiceScope, PeerScope, ProtocolScope, ResourceScope, ResourceScopeLimiter, ServiceScope, StreamManagementScope, StreamScope } from '../scopes/resource-scope.ts'
import type { HistoryStoreInit } from '../sessions/history-store.ts'
import type { SessionRegistry } from '../sessions/registry.ts'
import type { ServiceCollectors } from '../sessions/service-collectors.ts'
import type { SessionsInit } from '../sessions/sessions-init.ts'
import type { DescriptionOf } from '../util/description.ts'
import type { WarningCode } from '../util/process-warnings.ts'
import type { SlicedWork } from '../util/slices.ts'
import type { LimitShadow, Shadow } from '../what-if/shadow.ts'
import type { Connection, Logger, MessageStreamDirection, MultiaddrConnection, PeerId, Stream } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

const SET_LIMITS_OPTIONS = { replace: BOOLEAN } as const satisfies DescriptionOf<SetLimitsOptions>

/**
 * What users of a resource manager call: it throws what the core answers, changes limits, and
 * shows what is there. It knows nothing of libp2p's components, which have the core.
 */
export class DefaultResourceManager implements ResourceManager {
  readonly log: Logger
  protected readonly features: Features

  /**
   * What this one does. It answers what is refused, and this one throws it.
   */
  readonly core: Core

  /**
   * Set if some services have a collector
   */
  protected readonly serviceCollectors?: ServiceCollectors

  /**
   * Set if there is a node that bans
   */
  protected readonly nodeBans?: NodeBans

  /**
   * Set if there is a node that refuses something itself
   */
  protected readonly nodeRefusals?: NodeRefusals

  readonly #inspector?: Inspector
  readonly #refusals?: RefusalCounts
  readonly #sessions?: SessionRegistry
  readonly #shadow?: LimitShadow
  readonly #tracer?: Tracer
  readonly #graph: ScopeGraph
  readonly #limitsInit: LimitsInit
  readonly #demand?: () => NodeDemand
  readonly #fleet?: FleetLink

  /**
   * Makes a limiter of what was set last, for what the node may do now
   */
  #resolveLimits: () => Limiter

  /**
   * @param init
   * @param persistence - where the histories of sessions are kept
   * @param demand - what the node may do, where there is one
   */
  constructor (init: ResourceManagerInit = {}, persistence?: HistoryStoreInit, demand?: () => NodeDemand) {
    this.features = init.features ?? defaultFeatures

    this.log = (init.logger ?? defaultLogger()).forComponent('libp2p:resource-manager')

    const warnings = new WarningLog(this.log)

    this.#demand = demand
    this.#fleet = init.fleet

    const limiter = resolveLimits(init, this.features.presets, demand?.())

    this.#resolveLimits = () => changeLimits(this.#limitsInit, {}, this.features.presets, demand?.())
    this.#limitsInit = {
      profile: init.profile,
      maxMemory: init.maxMemory,
      maxConnections: init.maxConnections,
      // a copy, as somebody may go on with what was passed
      limits: isWhole(init.limits) ? limiter : parseLimits(init.limits ?? {})
    }

    const enforce = init.enforce ?? true
    const { inspection, metrics } = this.features

    const counting = inspection ?? metrics
    const refusals = counting && new counting.RefusalCounts()
    const inspector = inspection && new inspection.Inspector({
      log: this.log,
      enforce,
      warnings: init.warnings,
      source: { transientHolders: () => this.nodeStat().transientHolders ?? [] }
    })
    const refusalLog = inspector?.refusalLog

    this.#refusals = refusals
    this.#inspector = inspector
    const admission = this.#decideByAddress(init, limiter, warnings)

    this.#graph = new ScopeGraph({
      limiter,
      enforce,
      captureStackTraces: this.log.enabled,
      observer: {
        onRefusal: (refusal) => {
          // not through fields of the manager: during an attack this is what runs
          refusals?.add(refusal)
          refusalLog?.add(refusal)
          this.serviceCollectors?.refused(refusal)
        },
        onEviction: (eviction) => { refusalLog?.addEviction(eviction) },
        requesterOf: (refusal) => inspector?.requesterOf(refusal),
        onOverRelease: (scope, resource, released, held) => {
          warnings.warn(`${scope}: released more ${resource} than was held (${released} of ${held})`)
        }
      }
    })

    this.core = new Core(this.#graph, admission, this.log, warnings)

    const { shadow, tracer } = this.#startTracing(init)

    this.#shadow = shadow
    this.#tracer = tracer
    this.#sessions = this.#keepSessions(persistence)
    this.serviceCollectors = this.#collectSessions(init.sessions, enforce)
    if (admission != null) {
      this.#graph.admission = new (this.features.admission as NonNullable<Features['admission']>).AdmittedConnections(this.#graph, admission, () => this.core.findFull?.())
    }

    this.#limitsChanged()
  }

  readonly [Symbol.toStringTag]: string = 'libp2p-resource-manager'

  async start (): Promise<void> {
    this.#graph.idle.start()
    this.#shadow?.start()
    this.#inspector?.highWaterMarks.start(this.#graph)
    await this.#sessions?.start()
    await this.#fleet?.start(this.#fleetMember, this.core.admission)
  }

  /**
   * Only a node calls this. A manager that was made without its components counts nothing
   * that the node does, which nobody would notice.
   */
  afterStart (): void | Promise<void> {
    const warning = 'this resource manager counts nothing of its node: pass resourceManager() as the service, not createResourceManager()'

    this.log.error(warning)
    this.warnProcess('RESOURCE_MANAGER_LIMITS', warning)
  }

  async stop (): Promise<void> {
    this.#graph.idle.stop()
    this.#shadow?.stop()
    this.core.admission?.stop()
    this.#inspector?.highWaterMarks.stop()
    this.#inspector?.refusalLog.flush()
    // the sessions end at once, and reporters are told of it before they are stopped
    await Promise.all([this.#sessions?.stop(), this.#tracer?.stop(), this.#fleet?.stop()])
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

  /**
   * Warns whoever runs the process, most of whom look at no log: of each code and subject at
   * most once in ten minutes, and not at all with `warnings: false`
   *
   * @param code
   * @param message - names in it that remotes have chosen are escaped
   * @param subject - what tells it from others with this code, of which there must be few
   */
  warnProcess (code: WarningCode, message: string, subject?: string): void {
    this.#inspector?.warnings.warn(code, message, subject)
  }

  getConnectionScope (connection: Connection | MultiaddrConnection): ConnectionScope {
    return getConnectionScope(connection)
  }

  getStreamScope (stream: Stream): StreamScope {
    return getStreamScope(stream)
  }

  stat (): ResourceManagerStat {
    return { ...graphStat(this.#graph), ...this.nodeStat() }
  }

  holders (options?: HoldersOptions): Holder[] {
    return need(this.features.inspection, 'inspection', 'holders').listHolders(this.holdersSource, options)
  }

  refusals (): RefusalCount[] {
    return need(this.#refusals, 'inspection', 'refusals').entries()
  }

  recentRefusals (options?: RecentRefusalsOptions): RecentRefusal[] {
    return need(this.#inspector, 'inspection', 'recentRefusals').recent.list(options)
  }

  highWaterMarks (): HighWaterMark[] {
    return need(this.#inspector, 'inspection', 'highWaterMarks').highWaterMarks.list(this.#graph)
  }

  evictions (): EvictionCount[] {
    return this.#graph.evictions.entries()
  }

  explain (request: ReservationRequest): Explanation {
    return need(this.features.inspection, 'inspection', 'explain').explain({
      core: this.core,
      node: this.nodeRefusals
    }, request)
  }

  usage (options?: UsageOptions): ScopeUsage[] {
    return need(this.features.inspection, 'inspection', 'usage').scopeUsage(this.#graph, options)
  }

  /**
   * What `console.log` of Node.js shows
   */
  [Symbol.for('nodejs.util.inspect.custom')] (): string {
    return this.toString()
  }

  toString (): string {
    const table = this.features.inspection?.scopeTable(this.#graph) ?? 'resource manager'

    return [table, ...this.notes()].join('\n')
  }

  /**
   * What people should know beside what is in the table
   */
  notes (): string[] {
    const allowlist = this.core.admission?.allowlist

    return [
      ...allowlist?.namesPeers === true ? [`places kept wherever they are: ${allowlist.peersText}`] : [],
      ...this.nodeBans?.notes() ?? []
    ]
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
   * @param run - does what changes the limits of scopes, at least the first slice at once
   */
  changeLimits (limits: NonNullable<LimitsInit['limits']>, options: SetLimitsOptions = {}, run: (work: SlicedWork<void>) => void): LimitChange[] {
    checkDescribed('options', options, SET_LIMITS_OPTIONS)

    const { replace = false } = options
    const given = replace ? { ...this.#limitsInit, limits: undefined } : this.#limitsInit
    const before = this.limits

    const resolve = (): Limiter => changeLimits(given, limits, this.features.presets, this.#demand?.())

    const limiter = resolve()

    run(slice => this.#graph.changeLimiter(limiter, !replace && !isWhole(limits), slice))
    this.#resolveLimits = resolve
    this.#limitsChanged()

    const after = this.limits

    return before == null || after == null ? [] : this.features.inspection?.logChanges(this.log, before, after) ?? []
  }

  /**
   * Derives limits once more, as what the node may do has changed
   */
  protected deriveAgain (): void {
    const limiter = this.#resolveLimits()

    atOnce(slice => this.#graph.changeLimiter(limiter, true, slice))
    this.#limitsChanged()
  }

  get limits (): ConcreteLimitConfig | undefined {
    const { limiter } = this.#graph

    return limiter instanceof ConcreteLimiter ? limiter.config : undefined
  }

  get sessions (): SessionRegistry {
    return need(this.#sessions, 'sessions', 'sessions')
  }

  get allowlist (): Allowlist {
    return need(this.core.admission, 'admission', 'allowlist').allowlist
  }

  get shadow (): Shadow | undefined {
    return this.#shadow
  }

  get bans (): Bans | undefined {
    return this.nodeBans?.keeper
  }

  report (peer: PeerId, reason: string, strikes?: number): void {
    checkPeer(peer)
    this.nodeBans?.report(peer, reason, strikes)
  }

  setAdmission (options: AdmissionChanges): void {
    need(this.core.admission, 'admission', 'setAdmission').change(options)
    this.log('changed %s', Object.keys(options).join(', '))
  }

  addPrefixLimit (limit: NetworkPrefixLimit): void {
    need(this.core.admission, 'admission', 'addPrefixLimit').addPrefixLimit(limit)
  }

  removePrefixLimit (network: string): boolean {
    return need(this.core.admission, 'admission', 'removePrefixLimit').removePrefixLimit(network)
  }

  verifySourceAddress (address: string | Multiaddr): boolean {
    return this.core.admission?.verifySourceAddress(address) === true
  }

  systemState (): string {
    return need(this.features.inspection, 'inspection', 'systemState').systemState(this.#graph)
  }

  serviceState (service: string): string {
    checkName('service', service)

    return need(this.features.inspection, 'inspection', 'serviceState').serviceState(this.#graph, service)
  }

  gc (): void {
    this.#graph.idle.collectAll()
  }

  get #fleetMember (): FleetMember {
    const { core, log, metricsSource } = this

    return {
      log,
      enforces: core.enforces,
      metricsSource,
      isAllowlisted: address => core.isAllowlisted(address),
      errorOf: refusal => core.errorOf(refusal),
      warn: message => { core.warn(message) }
    }
  }

  /**
   * What metrics are read from
   */
  get metricsSource (): MetricsSource {
    return {
      graph: this.#graph,
      refusals: this.#refusals,
      shadowRefusals: this.#shadow?.counts,
      sessions: this.#sessions,
      sessionRefusals: () => this.serviceCollectors?.refusals ?? [],
      nodeStat: () => this.nodeStat(),
      knownProtocols: () => this.knownProtocols(),
      knownServices: () => this.knownServices()
    }
  }

  protected get limiter (): Limiter {
    return this.#graph.limiter
  }

  /**
   * The options that limits come from. Limits that leave nothing out set nothing by themselves.
   */
  protected get givenLimits (): LimitKnobs & { limits?: PartialLimitConfig } {
    const { limits, ...knobs } = this.#limitsInit

    return isWhole(limits) ? knobs : { ...knobs, limits }
  }

  /**
   * The connections and streams, which only a node knows
   */
  get holdersSource (): HoldersSource {
    return { connections: [], streams: [] }
  }

  /**
   * What only a node has
   */
  protected nodeStat (): NodeStat {
    return this.#fleet == null ? {} : { fleet: this.#fleet.view() }
  }

  /**
   * The protocols that this node itself has named: there are only so many of these
   */
  protected knownProtocols (): Set<string> {
    const { limits } = this

    return new Set(limits == null ? [] : [...Object.keys(limits.protocol), ...Object.keys(limits.protocolPeer)])
  }

  /**
   * The services that this node itself has named
   */
  protected knownServices (): Set<string> {
    const { limits } = this
    const names = limits == null ? [] : [...Object.keys(limits.service), ...Object.keys(limits.servicePeer)]

    return new Set(names.filter(name => !isPattern(name)))
  }

  /**
   * Called when a stream or connection has become part of a service, if some services
   * have a collector
   */
  protected joinedService (_scope: MovableScope, _service: string): void {}

  #decideByAddress (init: ResourceManagerInit, limiter: Limiter, warnings: WarningLog): Admission | undefined {
    const { admission } = this.features

    return admission && new admission.Admission({
      ...init,
      warn: message => { warnings.warn(message) },
      allowlistedConns: limiter.getAllowlistedSystemLimits().conns
    })
  }

  #keepSessions (persistence?: HistoryStoreInit): SessionRegistry | undefined {
    const { sessions } = this.features

    return sessions && new sessions.SessionRegistry({ log: this.log, persistence, observer: this.#tracer })
  }

  #collectSessions (init: SessionsInit | undefined, enforce: boolean): ServiceCollectors | undefined {
    if (init == null) {
      return
    }

    const { ServiceCollectors } = need(this.features.sessions, 'sessions', 'sessions')
    const collectors = new ServiceCollectors(init, this.sessions, enforce)

    this.#graph.serviceGate = collectors.gate((scope, service) => { this.joinedService(scope, service) })

    return collectors
  }

  #startTracing ({ metricsReporter, shadow, trace = [] }: ResourceManagerInit): { tracer?: Tracer, shadow?: LimitShadow } {
    return this.features.tracing?.startTracing({
      graph: this.#graph,
      reporters: trace,
      metricsReporter,
      shadow,
      limits: this.limits,
      baseCosts: () => this.core.baseCosts,
      log: this.log
    }) ?? {}
  }

  #limitsChanged (): void {
    const { features: { admission }, limits } = this

    this.#shadow?.enforcedChanged(limits)

    if (this.core.admission != null) {
      // unlimited means that nothing is refused, by subnet and rate limits neither
      this.core.admission.lifted = limits != null && admission?.isInfinite(limits) === true
      this.core.admission.allowlistedConns = this.#graph.allowlisted.system.limit.conns
    }
  }
}
