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
 * The part of a scope that a refusal needs to explain itself
 */
export interface RefusingScope {
  readonly kind: ScopeKind
  readonly name: string
  readonly limit: Readonly<Limit>

  /**
   * The memory that what is reserved here must fit in together with, in bytes
   */
  readonly reserved: number

  /**
   * The part of the configuration that its limit is from, where it is from one
   */
  readonly limitPath?: SettingPath | undefined

  /**
   * The scope that this one reserves in, where it is a span
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

/**
 * The share of a peer, which is one of a protocol or service
 */
interface Share {
  readonly whole?: Named
}

/**
 * What something was asked for: an owned or an aggregate scope, with what it says about who
 * that is
 */
export interface RequestingScope extends Partial<Named> {
  readonly name: string

  /** What it is a share of */
  readonly whole?: Named

  /** What a span is a span of */
  readonly owner?: RequestingScope

  /** The address of a connection */
  readonly endpoint?: Multiaddr

  /** What a stream is opened on */
  readonly connection?: RequestingScope
  readonly peerScope?: Named
  readonly protocolPeer?: Share
  readonly servicePeer?: Share
}

export interface RuleInit<S> {
  /**
   * Where it is configured
   */
  setting?: SettingPath

  /**
   * What is exceeded, for the message
   *
   * @default 'resource'
   */
  exceeded?: string

  /**
   * The scope that is full by this rule, although it is not by its own limit
   */
  scope?: RefusingScope

  /**
   * What somebody else has thrown, whose rule it is
   */
  cause?: { readonly message?: unknown }

  /**
   * What it is called for one of those that it is for
   *
   * @default the kind, and after a colon the subject, if there is one
   */
  nameOf?(subject: S): string
}

/**
 * A limit that is not one of a scope: by address, of a rate, of a collector, a ban. It is made
 * once, and says what is the same for all that it refuses.
 */
export class Rule<S = unknown> {
  readonly kind: string
  readonly exceeded: string = 'resource'
  declare readonly setting?: SettingPath
  declare readonly scope?: RefusingScope
  declare readonly cause?: RuleInit<S>['cause']

  /**
   * @param kind - what the limit is for, or what has it
   * @param init
   */
  constructor (kind: string, init: RuleInit<S>) {
    this.kind = kind
    Object.assign(this, init)
  }

  /**
   * Refuses a connection or stream
   *
   * @param resource - what there is not enough of
   * @param added - what it is
   * @param current
   * @param limit
   * @param subject - which of those that the rule is for
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
 * Why a request does not fit, whatever it is that refuses it. It is what the graph answers
 * instead of throwing, so that a refusal costs about as much as an admission: nothing is
 * formatted and no stack trace is captured until somebody asks for it.
 */
export class Refusal implements RefusedRequest {
  // see owned-scope.ts for why these are not fields of the class

  /**
   * What it was asked for: a scope, or the address that a connection would have been with.
   * Where the request has no scope of its own, it is set when the refusal is counted.
   */
  declare requester?: RequestingScope | Multiaddr | undefined
  declare readonly refuser: RefusingScope | Rule
  declare readonly resource: Resource

  /**
   * Set where the limit is one for a single direction
   */
  declare readonly direction?: MessageStreamDirection | undefined
  declare readonly current: number
  declare readonly attempted: number
  declare readonly limit: number
  declare readonly priority?: number | undefined

  /**
   * How much was asked for, other than memory
   */
  declare readonly added?: Usage | undefined

  /**
   * Which of those that a rule is for: a subnet, a peer, a protocol. It is turned into text when
   * somebody asks.
   */
  declare readonly subject?: unknown

  /**
   * The peer, protocol or service that the requester was to become part of. It is set when
   * the refusal is counted.
   */
  declare joining?: string | undefined

  /**
   * Set where the limit is what this node may have of one that several nodes share. It is found
   * out when the refusal is counted.
   */
  declare shared?: SharedLimit

  /**
   * Whether a connection that has no scope would have used a file descriptor, where somebody is
   * told
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
   * The kind of what refused: a kind of scope, or what a limit by address or of a
   * rate is for
   */
  get kind (): string {
    return this.refuser.kind
  }

  /**
   * The name of what refused
   */
  get scope (): string {
    const { refuser } = this

    return refuser instanceof Rule ? refuser.nameOf(this.subject) : refuser.name
  }

  /**
   * The scope that is full, if one is
   */
  get fullScope (): RefusingScope | undefined {
    const { refuser } = this

    return refuser instanceof Rule ? refuser.scope : refuser
  }

  /**
   * What was asked for, where `resource` does not say
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
      // what moves is not part of those that it asks
      return `${namesTo(joining === undefined && isScope(requester) ? requester : undefined, refuser)}${describe(this)}`
    }

    const { cause, exceeded } = refuser

    return cause === undefined ? `${this.scope}${describe(this, exceeded)}` : String(cause?.message ?? cause)
  }

  toError (): ResourceLimitExceededError {
    const { message, refuser, resource } = this
    const error = new ERRORS[resource](message, this, resource as 'connection' | 'fd')

    if (refuser instanceof Rule && refuser.cause !== undefined) {
      // theirs may be frozen, or always the same
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
 * The names from the scope that was asked, through the owners of spans, to the
 * one that refused
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
