import { ConnectionLimitExceededError, MemoryLimitExceededError, RateLimitExceededError, ResourceScopeClosedError, StreamLimitExceededError, SubnetLimitExceededError } from '../errors.ts'
import { limitField } from '../limits/setting.ts'
import type { ScopeStat } from './resource-scope.ts'
import type { ScopeKind } from './scope-kind.ts'
import type { SharedLimit } from './shared-limit.ts'
import type { Usage } from './usage.ts'
import type { RefusedRequest, Resource, ResourceLimitExceededError } from '../errors.ts'
import type { Limit } from '../limits/limit.ts'
import type { SettingPath } from '../limits/setting.ts'
import type { MessageStreamDirection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * What a refusal needs of the scope that refuses
 */
export interface RefusingScope {
  readonly kind: ScopeKind
  readonly name: string
  readonly limit: Readonly<Limit>

  /**
   * The memory that counts against the limit, in bytes
   */
  readonly reserved: number

  /**
   * Where the configuration has its limit, if it is from there
   */
  readonly limitPath?: SettingPath | undefined

  /**
   * For a span, the scope that opened it
   */
  readonly owner?: RefusingScope

  /**
   * What it holds, for people
   */
  stat?(): ScopeStat
}

interface Named {
  readonly key: string
  readonly kind: ScopeKind
}

interface Share {
  readonly whole?: Named
}

/**
 * The scope that a request was for, with what tells who that is
 */
export interface RequestingScope extends Partial<Named> {
  readonly name: string

  /** For a share, its protocol or service */
  readonly whole?: Named

  /** For a span, the scope that opened it */
  readonly owner?: RequestingScope

  /** The address of a connection */
  readonly endpoint?: Multiaddr

  /** The connection of a stream */
  readonly connection?: RequestingScope
  readonly peerScope?: Named
  readonly protocolPeer?: Share
  readonly servicePeer?: Share
}

export interface RuleInit<S> {
  /**
   * Where the configuration has the rule
   */
  setting?: SettingPath

  /**
   * Which limit is exceeded, for the message
   *
   * @default 'resource'
   */
  exceeded?: string

  /**
   * The scope that is full by this rule, although it is not by its own limit
   */
  scope?: RefusingScope

  /**
   * For a rule of the user's, what it has thrown
   */
  cause?: { readonly message?: unknown }

  /**
   * The name of the rule for a subject
   *
   * @default `KIND:SUBJECT`, or `KIND` without a subject
   */
  nameOf?(subject: S): string
}

/**
 * A limit that belongs to no scope, such as that of a subnet, a rate or a collector, or a ban. It is
 * made once, and has what is the same for all of its refusals.
 */
export class Rule<S = unknown> {
  readonly kind: string
  readonly exceeded: string = 'resource'
  declare readonly setting?: SettingPath
  declare readonly scope?: RefusingScope
  declare readonly cause?: RuleInit<S>['cause']

  /**
   * @param kind - what the limit is for, such as `subnet`
   * @param init
   */
  constructor (kind: string, init: RuleInit<S>) {
    this.kind = kind
    Object.assign(this, init)
  }

  /**
   * Refuses a connection or stream
   *
   * @param resource - the resource that is short
   * @param added - the connection or stream
   * @param current
   * @param limit
   * @param subject - the subnet, peer or the like that the rule refuses
   * @param attempted
   */
  refuse (resource: Resource, added: Usage, current: number, limit: number, subject?: S, attempted: number = 1): Refusal {
    return new Refusal(undefined, this as Rule, resource, isInbound(added) ? 'inbound' : 'outbound', current, attempted, limit, undefined, added, subject)
  }

  nameOf (subject: S): string {
    return subject === undefined ? this.kind : `${this.kind}:${subject}`
  }
}

/**
 * Why a request does not fit, whatever refuses it. The graph returns it instead of throwing. So a
 * refusal costs about as much as an admission: nothing is formatted, and no stack trace is captured,
 * until somebody asks for it.
 */
export class Refusal implements RefusedRequest {
  // see owned-scope.ts for why these are not fields of the class

  /**
   * What the request was for: a scope, or the address of a connection that was not opened. If the
   * request has no scope of its own, this is set when the refusal is counted.
   */
  declare requester?: RequestingScope | Multiaddr | undefined
  declare readonly refuser: RefusingScope | Rule
  declare readonly resource: Resource

  /**
   * Set if the limit is for one direction
   */
  declare readonly direction?: MessageStreamDirection | undefined
  declare readonly current: number
  declare readonly attempted: number
  declare readonly limit: number
  declare readonly priority?: number | undefined

  /**
   * What was requested, unless it was memory
   */
  declare readonly added?: Usage | undefined

  /**
   * What a rule refuses: a subnet, a peer, a protocol. It becomes text only when somebody asks.
   */
  declare readonly subject?: unknown

  /**
   * The peer, protocol or service that the requester was to join. It is set when the refusal is
   * counted.
   */
  declare joining?: string | undefined

  /**
   * The shared limit, if the limit is the part of one that this node may use. It is set when the
   * refusal is counted.
   */
  declare shared?: SharedLimit

  /**
   * Whether a connection that was not opened would have used a file descriptor. Set if there is a
   * tracer.
   */
  declare usefd?: boolean

  constructor (requester: RequestingScope | undefined, refuser: RefusingScope | Rule, resource: Resource, direction: MessageStreamDirection | undefined, current: number, attempted: number, limit: number, priority?: number, added?: Usage, subject?: unknown) {
    this.requester = requester
    this.refuser = refuser
    this.resource = resource
    this.direction = direction
    this.current = current
    this.attempted = attempted
    this.limit = limit
    this.priority = priority
    this.added = added
    this.subject = subject
    this.joining = undefined
  }

  /**
   * The kind of the scope or rule that refuses
   */
  get kind (): string {
    return this.refuser.kind
  }

  /**
   * The name of the scope or rule that refuses
   */
  get scope (): string {
    const { refuser } = this

    return refuser instanceof Rule ? refuser.nameOf(this.subject) : refuser.name
  }

  /**
   * The scope that is full. Not all rules have one.
   */
  get fullScope (): RefusingScope | undefined {
    const { refuser } = this

    return refuser instanceof Rule ? refuser.scope : refuser
  }

  /**
   * What was requested, if `resource` does not say it
   */
  get request (): 'connection' | 'stream' | undefined {
    const { added, resource } = this

    if (added !== undefined && (resource === 'rate' || resource === 'subnet' || resource === 'memory')) {
      return added.streamsInbound + added.streamsOutbound > 0 ? 'stream' : 'connection'
    }
  }

  get settingPath (): SettingPath | undefined {
    const { refuser, shared } = this

    if (shared !== undefined) {
      return shared.path
    }

    if (refuser instanceof Rule) {
      return refuser.setting
    }

    const path = refuser.limitPath

    return path == null ? undefined : [...path, limitField(this.resource as LimitedResource, this.direction)]
  }

  get message (): string {
    const { joining, refuser, requester } = this

    if (!(refuser instanceof Rule)) {
      // what moves is not part of its destination yet
      return `${namesTo(joining === undefined && isScope(requester) ? requester : undefined, refuser)}${describe(this)}`
    }

    const { cause, exceeded } = refuser

    return cause === undefined ? `${this.scope}${describe(this, exceeded)}` : String(cause?.message ?? cause)
  }

  toError (): ResourceLimitExceededError {
    const { message, refuser, resource } = this
    const error = new ERRORS[resource](message, this, resource as 'connection' | 'fd')

    if (refuser instanceof Rule && refuser.cause !== undefined) {
      // set on our error: the cause may be frozen, or the same object each time
      error.cause = refuser.cause
    }

    return error
  }
}

type LimitedResource = Exclude<Resource, 'rate' | 'subnet'>

const ERRORS = {
  stream: StreamLimitExceededError,
  connection: ConnectionLimitExceededError,
  fd: ConnectionLimitExceededError,
  memory: MemoryLimitExceededError,
  rate: RateLimitExceededError,
  subnet: SubnetLimitExceededError
}

function describe ({ direction, request, resource }: Refusal, exceeded: string = 'resource'): string {
  const what = request ?? resource
  const attempt = what === 'memory' ? '' : `cannot reserve ${direction == null ? '' : `${direction} `}${what === 'fd' ? 'file descriptor' : what}: `

  return `: ${attempt}${exceeded} limit exceeded`
}

function isInbound (added: Usage): boolean {
  return added.streamsInbound + added.connsInbound > 0
}

function isScope (requester: Refusal['requester']): requester is RequestingScope {
  return requester !== undefined && 'kind' in requester
}

/**
 * The names of the requester, of the owners of its span, and of the scope that refuses
 */
function namesTo (requester: Pick<RequestingScope, 'name' | 'owner'> | undefined, scope: RefusingScope): string {
  const names: string[] = []
  let step = requester

  while (step != null && step !== scope) {
    names.push(step.name)
    step = step.owner
  }

  names.push(scope.name)

  return names.join(': ')
}

/**
 * @throws {ResourceScopeClosedError} If the scope is closed
 */
export function assertOpen (scope: RefusingScope & { readonly closed: boolean }): void {
  if (scope.closed) {
    throw scopeClosedError(scope, scope)
  }
}

export function scopeClosedError (requester: RefusingScope, scope: RefusingScope): ResourceScopeClosedError {
  return new ResourceScopeClosedError(`${namesTo(requester, scope)}: resource scope closed`)
}
