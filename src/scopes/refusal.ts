import { ConnectionLimitExceededError, MemoryLimitExceededError, ResourceScopeClosedError, StreamLimitExceededError } from '../errors.ts'
import { limitField } from '../limits/setting.ts'
import { printable } from '../util/printable.ts'
import { MEMORY_PRIORITY_ALWAYS, memoryThreshold } from './memory-priority.ts'
import type { ScopeStat } from './resource-scope.ts'
import type { ScopeKind } from './scope-kind.ts'
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
  readonly limitPath?: SettingPath

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
  readonly group?: Named
}

/**
 * What something was asked for: an owned or an aggregate scope, with what it says about who
 * that is
 */
export interface RequestingScope extends Partial<Named> {
  /** What it is a share of */
  readonly group?: Named

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

/**
 * Why something is refused, by a scope or by what is decided before there is one
 */
export interface AnyRefusal extends RefusedRequest {
  /**
   * The kind of what refused: a kind of scope, or what a limit by address or of a
   * rate is for
   */
  readonly kind: string
  readonly resource: Resource

  /**
   * How much was asked for, other than memory
   */
  readonly added?: Usage

  /**
   * What was asked for, where `resource` does not say
   */
  readonly request?: 'connection' | 'stream'

  /**
   * The scope that asked, where the message begins with its name
   */
  readonly asker?: RequestingScope

  /**
   * What it was asked for, where that is not the asker: a scope, or the address that a
   * connection would have been with. It is set when the refusal is counted.
   */
  requester?: RequestingScope | Multiaddr | undefined

  /**
   * The peer, protocol or service that the requester was to become part of. It is set when
   * the refusal is counted.
   */
  joining?: string

  /**
   * Whether the connection would have used a file descriptor, where somebody is told who
   * cannot find out
   */
  usefd?: boolean
  readonly message: string
  toError(): ResourceLimitExceededError
}

/**
 * Why a request does not fit. It is what the graph answers instead of throwing,
 * so that a refusal costs about as much as an admission: nothing is formatted
 * and no stack trace is captured until somebody asks for it.
 */
export class Refusal implements AnyRefusal {
  // see owned-scope.ts for why these are not fields of the class
  declare readonly asker?: RefusingScope
  declare readonly refuser: RefusingScope
  declare readonly resource: 'stream' | 'connection' | 'fd' | 'memory'
  declare readonly direction?: MessageStreamDirection
  declare readonly current: number
  declare readonly attempted: number
  declare readonly limit: number
  declare readonly priority?: number
  declare readonly added?: Usage
  declare requester?: AnyRefusal['requester']
  declare joining?: string

  constructor (asker: RefusingScope | undefined, scope: RefusingScope, resource: Refusal['resource'], direction: MessageStreamDirection | undefined, current: number, attempted: number, limit: number, priority?: number, added?: Usage) {
    this.asker = asker
    this.refuser = scope
    this.resource = resource
    this.direction = direction
    this.current = current
    this.attempted = attempted
    this.limit = limit
    this.priority = priority
    this.added = added
    this.requester = undefined
    this.joining = undefined
  }

  /**
   * The kind of the scope that refused
   */
  get kind (): ScopeKind {
    return this.refuser.kind
  }

  /**
   * The name of the scope that refused
   */
  get scope (): string {
    return this.refuser.name
  }

  get settingPath (): SettingPath | undefined {
    const path = this.refuser.limitPath

    return path == null ? undefined : [...path, limitField(this.resource, this.direction)]
  }

  get message (): string {
    return `${chainNames(this.asker, this.refuser)}: ${describe(this.resource, this.direction)}resource limit exceeded`
  }

  toError (): ResourceLimitExceededError {
    switch (this.resource) {
      case 'stream':
        return new StreamLimitExceededError(this.message, this)
      case 'memory':
        return new MemoryLimitExceededError(this.message, this)
      default:
        return new ConnectionLimitExceededError(this.message, this, this.resource)
    }
  }
}

function describe (resource: Refusal['resource'], direction?: MessageStreamDirection): string {
  if (resource === 'memory') {
    return ''
  }

  return `cannot reserve ${direction == null ? '' : `${direction} `}${resource === 'fd' ? 'file descriptor' : resource}: `
}

/**
 * The names from the scope that was asked, through the owners of spans, to the
 * one that refused
 */
function chainNames (asker: RefusingScope | undefined, scope: RefusingScope): string {
  const names: string[] = []
  let step = asker

  while (step != null && step !== scope) {
    names.push(step.name)
    step = step.owner
  }

  names.push(scope.name)

  return names.join(': ')
}

export function scopeClosedError (asker: RefusingScope, scope: RefusingScope): ResourceScopeClosedError {
  return new ResourceScopeClosedError(`${chainNames(asker, scope)}: resource scope closed`)
}

/**
 * What a scope holds, or what is about to be added to it
 */
export interface Usage {
  readonly memory: number
  readonly streamsInbound: number
  readonly streamsOutbound: number
  readonly connsInbound: number
  readonly connsOutbound: number
  readonly fd: number
}

export const NOTHING: Usage = Object.freeze({
  memory: 0,
  streamsInbound: 0,
  streamsOutbound: 0,
  connsInbound: 0,
  connsOutbound: 0,
  fd: 0
})

// they are made once, or each refusal would make one

const INBOUND_STREAM: Usage = Object.freeze({ ...NOTHING, streamsInbound: 1 })
const OUTBOUND_STREAM: Usage = Object.freeze({ ...NOTHING, streamsOutbound: 1 })
const INBOUND_CONNECTION: Usage = Object.freeze({ ...NOTHING, connsInbound: 1 })
const OUTBOUND_CONNECTION: Usage = Object.freeze({ ...NOTHING, connsOutbound: 1 })
const INBOUND_SOCKET: Usage = Object.freeze({ ...INBOUND_CONNECTION, fd: 1 })
const OUTBOUND_SOCKET: Usage = Object.freeze({ ...OUTBOUND_CONNECTION, fd: 1 })

/**
 * A stream that holds nothing
 */
export function oneStream (inbound: boolean): Usage {
  return inbound ? INBOUND_STREAM : OUTBOUND_STREAM
}

/**
 * A connection that holds nothing
 */
export function oneConnection (inbound: boolean, usefd: boolean): Usage {
  if (usefd) {
    return inbound ? INBOUND_SOCKET : OUTBOUND_SOCKET
  }

  return inbound ? INBOUND_CONNECTION : OUTBOUND_CONNECTION
}

export function statOf (usage: Usage): ScopeStat {
  return {
    memory: usage.memory,
    numStreamsInbound: usage.streamsInbound,
    numStreamsOutbound: usage.streamsOutbound,
    numConnsInbound: usage.connsInbound,
    numConnsOutbound: usage.connsOutbound,
    numFD: usage.fd
  }
}

/**
 * A scope and what it holds, for people: remotes may have chosen part of its name
 */
export function scopeText (scope: { readonly name: string, stat(): ScopeStat }): string {
  const { memory, numConnsInbound, numConnsOutbound, numFD, numStreamsInbound, numStreamsOutbound } = scope.stat()

  return printable(`${scope.name}: memory ${memory} B, streams ${numStreamsInbound} in ${numStreamsOutbound} out, conns ${numConnsInbound} in ${numConnsOutbound} out, fd ${numFD}`)
}

export function findMemoryShortage (asker: RefusingScope | undefined, scope: RefusingScope, size: number, priority: number): Refusal | undefined {
  const threshold = memoryThreshold(scope.limit.memory, priority)

  if (scope.reserved + size > threshold) {
    return new Refusal(asker, scope, 'memory', undefined, scope.reserved, size, threshold, priority)
  }
}

/**
 * The limit of the direction comes first, then the total. The total is checked
 * even where nothing is added: what moves into a scope that is over its limit is
 * refused.
 */
export function findStreamShortage (asker: RefusingScope | undefined, scope: RefusingScope, held: Usage, added: Usage): Refusal | undefined {
  const { limit } = scope

  if (added.streamsInbound > 0 && held.streamsInbound + added.streamsInbound > limit.streamsInbound) {
    return new Refusal(asker, scope, 'stream', 'inbound', held.streamsInbound, added.streamsInbound, limit.streamsInbound, undefined, added)
  }

  if (added.streamsOutbound > 0 && held.streamsOutbound + added.streamsOutbound > limit.streamsOutbound) {
    return new Refusal(asker, scope, 'stream', 'outbound', held.streamsOutbound, added.streamsOutbound, limit.streamsOutbound, undefined, added)
  }

  const total = held.streamsInbound + held.streamsOutbound
  const more = added.streamsInbound + added.streamsOutbound

  if (total + more > limit.streams) {
    return new Refusal(asker, scope, 'stream', undefined, total, more, limit.streams, undefined, added)
  }
}

/**
 * The limit of the direction comes first, then the total, then file descriptors
 */
export function findConnectionShortage (asker: RefusingScope | undefined, scope: RefusingScope, held: Usage, added: Usage): Refusal | undefined {
  const { limit } = scope

  if (added.connsInbound > 0 && held.connsInbound + added.connsInbound > limit.connsInbound) {
    return new Refusal(asker, scope, 'connection', 'inbound', held.connsInbound, added.connsInbound, limit.connsInbound, undefined, added)
  }

  if (added.connsOutbound > 0 && held.connsOutbound + added.connsOutbound > limit.connsOutbound) {
    return new Refusal(asker, scope, 'connection', 'outbound', held.connsOutbound, added.connsOutbound, limit.connsOutbound, undefined, added)
  }

  const total = held.connsInbound + held.connsOutbound
  const more = added.connsInbound + added.connsOutbound

  if (total + more > limit.conns) {
    return new Refusal(asker, scope, 'connection', undefined, total, more, limit.conns, undefined, added)
  }

  if (added.fd > 0 && held.fd + added.fd > limit.fd) {
    return new Refusal(asker, scope, 'fd', undefined, held.fd, added.fd, limit.fd, undefined, added)
  }
}

/**
 * Finds the first resource that does not fit when something moves into a scope.
 * All of them are checked, whatever it is that moves.
 */
export function findMoveShortage (scope: RefusingScope & Usage, added: Usage): Refusal | undefined {
  return findMemoryShortage(undefined, scope, added.memory, MEMORY_PRIORITY_ALWAYS) ??
    findStreamShortage(undefined, scope, scope, added) ??
    findConnectionShortage(undefined, scope, scope, added)
}
