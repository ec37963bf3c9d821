import type { AdmissionChanges } from './admission/admission-options.ts'
import type { Allowlist } from './admission/allowlist.ts'
import type { NetworkPrefixLimit } from './admission/subnet-limits.ts'
import type { Bans } from './bans/ban.ts'
import type { LimitChange } from './limits/limit-changes.ts'
import type { ConcreteLimitConfig } from './limits/limit-config.ts'
import type { LimitsInit } from './limits/resolve-limits.ts'
import type { FleetReader } from './manager/fleet-link.ts'
import type { Holder, HoldersOptions, ResourceManagerStat } from './manager/resource-manager-stat.ts'
import type { Explanation } from './reporting/explain.ts'
import type { HighWaterMark } from './reporting/high-water-marks.ts'
import type { RecentEviction } from './reporting/recent-evictions.ts'
import type { RecentRefusal, RecentRefusalsOptions } from './reporting/recent-refusals.ts'
import type { RefusalCount } from './reporting/refusal-counts.ts'
import type { ReservationRequest } from './reporting/reservation-request.ts'
import type { ScopeUsage, UsageOptions } from './reporting/scope-usage.ts'
import type { EvictionCount } from './scopes/evictions.ts'
import type { ConnectionManagementScope, ConnectionScope, OwnedServiceScope, PeerScope, ProtocolScope, ResourceScope, ResourceScopeLimiter, ServiceScope, StreamManagementScope, StreamScope } from './scopes/resource-scope.ts'
import type { SessionRegistry } from './sessions/registry.ts'
import type { Shadow } from './what-if/shadow.ts'
import type { Connection, MessageStreamDirection, MultiaddrConnection, PeerId, Startable, Stream } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Options of `setLimits`
 */
export interface SetLimitsOptions {
  /**
   * `true` drops the limits that the manager was made with and those that were set on
   * scopes: what a partial configuration leaves out then comes from the profile,
   * `maxMemory`, `maxConnections` and the defaults only. The next call without it is built on
   * what the manager was made with again.
   *
   * @default false
   */
  replace?: boolean
}

/**
 * Accounts for the connections, streams, file descriptors and memory of a node
 * and refuses what exceeds a limit
 */
export interface ResourceManager extends Startable {
  /**
   * Runs `fn` with the scope that everything is under
   *
   * @returns What `fn` returns
   */
  viewSystem<T>(fn: (scope: ResourceScope & ResourceScopeLimiter) => T): T

  /**
   * Runs `fn` with the scope of connections whose peer and streams whose protocol
   * are not known yet
   *
   * @returns What `fn` returns
   */
  viewTransient<T>(fn: (scope: ResourceScope & ResourceScopeLimiter) => T): T

  /**
   * Runs `fn` with the scope of a service, which is made if need be. It is kept
   * until `fn` has returned and, where it returns a promise, that has settled.
   *
   * @returns What `fn` returns
   * @throws {InvalidParametersError} If the name is empty
   */
  viewService<T>(service: string, fn: (scope: ServiceScope) => T): T

  /**
   * Runs `fn` with the scope of a protocol, which is made if need be. It is kept
   * until `fn` has returned and, where it returns a promise, that has settled.
   *
   * @returns What `fn` returns
   * @throws {InvalidParametersError} If the name is empty
   */
  viewProtocol<T>(protocol: string, fn: (scope: ProtocolScope) => T): T

  /**
   * Runs `fn` with the scope of a peer, which is made if need be. It is kept until
   * `fn` has returned and, where it returns a promise, that has settled.
   *
   * @returns What `fn` returns
   * @throws {InvalidParametersError} If it is not a peer id
   */
  viewPeer<T>(peer: PeerId, fn: (scope: PeerScope) => T): T

  /**
   * Accounts for a new connection. Call `done()` of what it returns when the connection has
   * closed. A node with the service does all of this itself.
   *
   * @param direction
   * @param usefd - Whether it uses a file descriptor
   * @param endpoint - The address of the other end
   * @throws {ResourceLimitExceededError} If it does not fit
   * @throws {InvalidParametersError} If an argument is invalid
   */
  openConnection(direction: MessageStreamDirection, usefd: boolean, endpoint?: Multiaddr | string): ConnectionManagementScope

  /**
   * Accounts for a new stream. Call `done()` of what it returns when the stream has closed.
   * A node with the service does all of this itself.
   *
   * @param peer
   * @param direction
   * @param connection - The connection that the stream is opened on. Where it is
   * allowlisted, or its address and the peer are, the stream may use the allowlisted
   * scopes.
   * @throws {ResourceLimitExceededError} If it does not fit
   * @throws {InvalidParametersError} If an argument is invalid
   */
  openStream(peer: PeerId, direction: MessageStreamDirection, connection?: ConnectionScope): StreamManagementScope

  /**
   * Opens a scope under a service, for what the service holds itself, such as its tables.
   * Call `done()` of what it returns in the end.
   *
   * @throws {InvalidParametersError} If the name is empty
   */
  openService(service: string): OwnedServiceScope

  /**
   * The scope of a connection of this node, raw or not, or one that accepts everything if the
   * connection is not known. It reserves, releases and sets the service; it cannot be closed.
   */
  getConnectionScope(connection: Connection | MultiaddrConnection): ConnectionScope

  /**
   * The scope of a stream of this node, or one that accepts everything if the stream is not
   * known. It reserves, releases and sets the service; it cannot be closed.
   */
  getStreamScope(stream: Stream): StreamScope

  /**
   * What everything holds now
   */
  stat(): ResourceManagerStat

  /**
   * The connections and streams of a node that hold most, largest first. Use it to find
   * leaks, and who causes them. A stand-alone manager does not know its streams and lists
   * nothing.
   *
   * @throws {InvalidParametersError} naming the option that cannot be used
   * @throws {MissingFeatureError} In pages without the feature `inspection`
   */
  holders(options?: HoldersOptions): Holder[]

  /**
   * How often limits have refused something since the manager was made. With
   * `enforce: false`, how often they would have.
   *
   * @throws {MissingFeatureError} In pages without the feature `inspection`
   */
  refusals(): RefusalCount[]

  /**
   * How often connections and streams have given way to others in a full scope, since the
   * manager was made. With `enforce: false`, how often they would have. A stand-alone manager
   * ends nothing.
   */
  evictions(): EvictionCount[]

  /**
   * The latest refusals, latest first: when, whose, by what, and which setting to change. Up
   * to 256 are kept: of each kind the first 256 in ten seconds, and one in 128 of those that
   * follow, so that what came before a flood remains a little longer.
   *
   * @throws {InvalidParametersError} naming the option that cannot be used
   * @throws {MissingFeatureError} In pages without the feature `inspection`
   */
  recentRefusals(options?: RecentRefusalsOptions): RecentRefusal[]

  /**
   * What has given way last, latest first: when, whose it was, to whom, in which scope, and the
   * setting to change. Up to 256 are kept.
   *
   * @throws {MissingFeatureError} In pages without the feature `inspection`
   */
  recentEvictions(): RecentEviction[]

  /**
   * The peak of everything that has a limit, in system,
   * transient, each service and each protocol, and of the peer that had most. The scopes
   * are sampled ten times a second from the start of the manager on, and at each call: that
   * costs a stream nothing, and misses shorter peaks.
   *
   * @throws {MissingFeatureError} In pages without the feature `inspection`
   */
  highWaterMarks(): HighWaterMark[]

  /**
   * Whether something would fit now. If not, the answer says which scope would refuse it, or
   * which limit of a subnet, a rate, a collector or the process, and which setting to
   * change. Asking changes nothing.
   *
   * @throws {InvalidParametersError} naming the part of the request that is wrong
   * @throws {MissingFeatureError} In pages without the feature `inspection`
   */
  explain(request: ReservationRequest): Explanation

  /**
   * The scopes that are close to one of their limits, fullest first
   *
   * @throws {InvalidParametersError} If the percentage is not a number from 0 on
   * @throws {MissingFeatureError} In pages without the feature `inspection`
   */
  usage(options?: UsageOptions): ScopeUsage[]

  /**
   * A table for people: what the scopes hold of what they may hold, how full they are, and
   * how often they have refused something. It lists only the fullest services, protocols
   * and peers. Without the feature `inspection` there is no
   * table.
   */
  toString(): string

  /**
   * The names of the services that have a scope
   */
  listServices(): string[]

  /**
   * The protocols that have a scope
   */
  listProtocols(): string[]

  /**
   * The peers that have a scope
   */
  listPeers(): PeerId[]

  /**
   * The limits in force, or `undefined` if a `Limiter` of yours computes them. Limits that
   * were set on single scopes at run time are only visible there.
   */
  readonly limits?: ConcreteLimitConfig | undefined

  /**
   * Changes the limits in force, in one step: of every scope that exists, and of every scope
   * to come. What is held already stays, even if it is more than the new limits allow: they
   * apply to what comes next.
   *
   * A partial configuration is built on the limits that the manager was made with, not on
   * those that were set in the meantime: a call takes back the call before. What was set on a
   * system, transient, service, protocol or peer scope at run time stays. A concrete configuration and a `Limiter`
   * take the place of all of these. Spans, and single connections and streams whose limit
   * was set, keep theirs.
   *
   * @param limits - As in `ResourceManagerInit`
   * @param options
   * @returns what has changed, which is in the log too. Nothing where a custom `Limiter`
   * computes limits, and in pages without the feature `inspection`.
   * @throws {InvalidParametersError} listing every problem. Nothing has changed
   * then.
   */
  setLimits(limits: NonNullable<LimitsInit['limits']>, options?: SetLimitsOptions): LimitChange[]

  /**
   * Who transfers and has transferred how many bytes: the collectors of services, and any that
   * you register here. A node keeps what they know in its datastore, under
   * `/libp2p-resource-manager/sessions/PEER-ID`.
   *
   * @throws {MissingFeatureError} In pages without the feature `sessions`
   */
  readonly sessions: SessionRegistry

  /**
   * The fleet that this manager belongs to: the value of its option `fleet`
   */
  readonly fleet?: FleetReader | undefined

  /**
   * The trusted addresses, which can be changed at any time
   *
   * @throws {MissingFeatureError} In pages without the feature `admission`
   */
  readonly allowlist: Allowlist

  /**
   * What other limits would refuse. Not there without the option `shadow`.
   */
  readonly shadow?: Shadow | undefined

  /**
   * Who is banned, which can be changed at any time. Not there without the option `bans`, and
   * in a stand-alone manager.
   */
  readonly bans?: Bans | undefined

  /**
   * For handlers: a peer has done what it must not, such as breaking a protocol. Several
   * reports in a short time ban it. Nothing happens without the option `bans`, for
   * allowlisted peers, and in a stand-alone manager.
   *
   * @param peer
   * @param reason - for the log, in a few words
   * @param strikes - how much it counts, against `bans.strikes`: 10 by default
   * @throws {InvalidParametersError} naming the argument that cannot be used
   */
  report(peer: PeerId, reason: string, strikes?: number): void

  /**
   * Changes what is decided by address while the node runs: `subnetLimits`, `rateLimits`,
   * `networks` and `trustedNetworks`, each as a whole as in `ResourceManagerInit`. An option
   * that is left out stays as it is, one that is `undefined` has its default again, and
   * limits that `addPrefixLimit` has set stay. Connections that are open count in the
   * limits that apply from then on, and rates that stay the same go on with the tokens that
   * they have.
   *
   * @throws {InvalidParametersError} naming the option that cannot be used. Nothing has
   * changed then.
   * @throws {MissingFeatureError} In pages without the feature `admission`
   */
  setAdmission(options: AdmissionChanges): void

  /**
   * Limits the connections of a network. This replaces the limit that it may have, and those
   * of the subnets in it. Open connections count.
   *
   * @throws {InvalidParametersError} naming the field that cannot be used
   * @throws {MissingFeatureError} In pages without the feature `admission`
   */
  addPrefixLimit(limit: NetworkPrefixLimit): void

  /**
   * Takes the limit of a network back
   *
   * @returns Whether there was one
   * @throws {InvalidParametersError} If it is not a network
   * @throws {MissingFeatureError} In pages without the feature `admission`
   */
  removePrefixLimit(network: string): boolean

  /**
   * Whether a transport should make the sender of a datagram prove its address
   * before it begins a handshake
   *
   * @param address - Where the datagram came from: a multiaddr, an IP address, or
   * `host:port`
   */
  verifySourceAddress(address: string | Multiaddr): boolean

  /**
   * What the system holds of what it may hold, in one line for people
   *
   * @throws {MissingFeatureError} In pages without the feature `inspection`
   */
  systemState(): string

  /**
   * What a service holds of what it may hold, in one line for people
   *
   * @throws {InvalidParametersError} If the name is empty
   * @throws {MissingFeatureError} In pages without the feature `inspection`
   */
  serviceState(service: string): string

  /**
   * Forgets the scopes that hold nothing and that nobody needs. That happens within a minute
   * by itself.
   */
  gc(): void
}
