import { formatSetting } from './limits/setting.ts'
import { sharedText } from './scopes/shared-limit.ts'
import { printable } from './util/printable.ts'
import { ResourceManagerError } from './util/resource-manager-error.ts'
import type { SettingPath } from './limits/setting.ts'
import type { SharedLimit } from './scopes/shared-limit.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

/**
 * The kinds of resource that a limit can refuse
 */
export type Resource = 'stream' | 'connection' | 'fd' | 'memory' | 'subnet' | 'rate'

/**
 * What was asked for when a limit was hit
 */
export interface RefusedRequest {
  /**
   * The name of the scope whose limit was hit, such as `system` or `peer:12D3…`
   */
  scope: string

  /**
   * Set where the limit is one for a single direction
   */
  direction?: MessageStreamDirection | undefined

  /** How much of the resource was held already: a number, or bytes of memory */
  current: number

  /** How much more was asked for: a number, or bytes of memory */
  attempted: number

  /** The limit that would have been exceeded: a number, or bytes of memory */
  limit: number

  /**
   * The priority of a memory reservation, from 0 to 255
   */
  priority?: number | undefined

  /**
   * Where the limit is configured
   */
  settingPath?: SettingPath | undefined

  /**
   * Set where the limit is what this node may have of one that several nodes share
   */
  shared?: SharedLimit | undefined
}

/**
 * A request did not fit into a limit of this node. Test for this class: `resource` says what
 * there was not enough of, `scope` whose limit it was, and `setting` what to change.
 *
 * The message chains the names of scopes, from the one that asked to the one that refused.
 */
export abstract class ResourceLimitExceededError extends ResourceManagerError {
  static name = 'ResourceLimitExceededError'

  /**
   * The same request may fit later, when something else has been released. Do not repeat it
   * at once.
   */
  readonly temporary = true

  /**
   * What there was not enough of
   */
  abstract readonly resource: Resource

  /**
   * The name of the scope whose limit was hit, such as `system` or `peer:12D3…`
   */
  readonly scope: string

  /**
   * Set where the limit is one for a single direction
   */
  readonly direction?: MessageStreamDirection

  /**
   * How much of the resource was held already: a number, or bytes of memory
   */
  readonly current: number

  /**
   * How much more was asked for: a number, or bytes of memory
   */
  readonly attempted: number

  /**
   * The limit that would have been exceeded: a number, or bytes of memory. For memory
   * it is the part of the limit that the priority may fill.
   */
  readonly limit: number

  /**
   * The priority of a refused memory reservation, from 0 to 255. It may fill
   * only `(1 + priority) / 256` of the limit.
   */
  readonly priority?: number

  /**
   * Where the limit is configured, as keys of the options of the resource manager:
   * `['limits', 'system', 'connsInbound']` or `['subnetLimits', 'ipv4']`. Not set
   * where a custom `Limiter` computes it.
   *
   * The limit of a scope whose `setLimit` was called is the one from there, and
   * remains so when this setting changes, unless `setLimits` of the manager replaces it.
   */
  readonly settingPath?: SettingPath | undefined

  /**
   * Set where `limit` is what this node may have of a limit of its fleet
   */
  declare readonly fleet?: SharedLimit

  /**
   * The address at the other end of the connection that it was for, where that was known
   */
  declare readonly address?: string

  /**
   * The id of the peer that it was for, where that was known
   */
  declare readonly peer?: string

  /**
   * The protocol of the stream that it was for, where that was known
   */
  declare readonly protocol?: string

  /**
   * The service that it was for, where that was known
   */
  declare readonly service?: string

  constructor (message: string, request: RefusedRequest) {
    super(message)
    this.name = new.target.name
    this.scope = request.scope
    this.direction = request.direction
    this.current = request.current
    this.attempted = request.attempted
    this.limit = request.limit
    this.priority = request.priority
    this.settingPath = request.settingPath

    if (request.shared !== undefined) {
      this.fleet = request.shared
    }
  }

  /**
   * The setting to change if more should fit. Limits are written as in go-libp2p's
   * files: `System.ConnsInbound`, `Peer["12D3…"].Streams`, `PeerDefault.Streams`.
   * Other options are written as they are called here: `subnetLimits.ipv4`,
   * `rateLimits.connections.global`.
   */
  get setting (): string | undefined {
    return this.settingPath == null ? undefined : formatSetting(this.settingPath)
  }

  /**
   * The message and what it does not say: the numbers, the setting and who it was for
   */
  toString (): string {
    const { address, attempted, current, fleet, limit, peer, protocol, service, setting } = this
    const shared = fleet && sharedText(fleet)
    const facts = Object.entries({ current, attempted, limit, fleet: shared, setting, peer, address, protocol, service })
      .flatMap(([name, value]) => value == null ? [] : `${name} ${value}`)

    return printable(`${super.toString()} (${facts.join(', ')})`)
  }
}

/**
 * A stream did not fit into a limit
 */
export class StreamLimitExceededError extends ResourceLimitExceededError {
  static name = 'StreamLimitExceededError'
  readonly resource = 'stream'
}

/**
 * A connection or its file descriptor did not fit into a limit
 */
export class ConnectionLimitExceededError extends ResourceLimitExceededError {
  static name = 'ConnectionLimitExceededError'
  readonly resource: 'connection' | 'fd'

  constructor (message: string, request: RefusedRequest, resource: 'connection' | 'fd' = 'connection') {
    super(message, request)
    this.resource = resource
  }
}

/**
 * A memory reservation did not fit into a limit
 */
export class MemoryLimitExceededError extends ResourceLimitExceededError {
  static name = 'MemoryLimitExceededError'
  readonly resource = 'memory'
}

/**
 * Too many connections of one subnet or network prefix
 */
export class SubnetLimitExceededError extends ResourceLimitExceededError {
  static name = 'SubnetLimitExceededError'
  readonly resource = 'subnet'
}

/**
 * Too many new connections or streams in too short a time
 */
export class RateLimitExceededError extends ResourceLimitExceededError {
  static name = 'RateLimitExceededError'
  readonly resource = 'rate'
}

/**
 * A connection or stream had to give way: a scope was full, and those that it belongs to held
 * most of it
 */
export class EvictedError extends ResourceManagerError {
  static name = 'EvictedError'

  /**
   * The name of the scope that was full, such as `system`
   */
  readonly scope: string

  /**
   * The setting to change if more should fit, as in `ResourceLimitExceededError`
   */
  readonly setting?: string

  constructor ({ scope, settingPath }: Pick<RefusedRequest, 'scope' | 'settingPath'>) {
    super(`${scope}: full, gave way to others who hold less`)
    this.name = 'EvictedError'
    this.scope = scope
    this.setting = settingPath == null ? undefined : formatSetting(settingPath)
  }
}

/**
 * The scope has been closed: nothing can be reserved in it any more
 */
export class ResourceScopeClosedError extends ResourceManagerError {
  static name = 'ResourceScopeClosedError'

  constructor (message = 'resource scope closed') {
    super(message)
    this.name = 'ResourceScopeClosedError'
  }
}

/**
 * The scope is not in a state that allows the call: it is attached to a
 * protocol, peer or service already, or to none yet
 */
export class ResourceScopeStateError extends ResourceManagerError {
  static name = 'ResourceScopeStateError'

  constructor (message = 'resource scope is in the wrong state') {
    super(message)
    this.name = 'ResourceScopeStateError'
  }
}

/**
 * The method belongs to a feature that this resource manager was made without
 */
export class MissingFeatureError extends ResourceManagerError {
  static name = 'MissingFeatureError'

  constructor (message = 'missing feature') {
    super(message)
    this.name = 'MissingFeatureError'
  }
}
