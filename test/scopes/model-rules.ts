import type { ScopeStat } from '../../src/index.ts'
import type { Limit } from '../../src/limits/limit.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

/*
 * The rules of the model about single scopes: what fits, and how it fails
 */

export interface Usage {
  memory: number
  streamsInbound: number
  streamsOutbound: number
  connsInbound: number
  connsOutbound: number
  fd: number
}

/**
 * Something that somebody opened and has to close, or all the memory that was
 * reserved directly in a shared scope
 */
export interface Holder {
  kind: 'conn' | 'stream' | 'span' | 'direct'
  name: string

  /** A connection or stream has the one of the configuration if it has none of its own */
  limit?: Limit
  open: boolean

  /** What was reserved in it, its spans not included */
  held: Usage

  /** How many spans it has had */
  spans: number

  /** What a span belongs to */
  owner?: Scope

  /** The names of the shared scopes that it was attached to */
  peer?: string
  protocol?: string
  service?: string
}

/**
 * Shared scopes are nothing but a name here
 */
export type Scope = Holder | string

/**
 * The error that an operation has to fail with
 */
export interface Failure {
  name: string
  message: string
  scope?: string
  resource?: string
  direction?: MessageStreamDirection
  current?: number
  attempted?: number
  limit?: number
  priority?: number
}

export type Refusal = Pick<Failure, 'resource' | 'direction' | 'current' | 'attempted' | 'limit' | 'priority'>

export interface Check {
  resource: 'stream' | 'connection' | 'fd'
  direction?: MessageStreamDirection
  counts: Array<keyof Usage>
  limit: keyof Limit

  /** The totals are checked even where nothing is added to them */
  total?: true
}

export const STREAM_CHECKS: Check[] = [
  { resource: 'stream', direction: 'inbound', counts: ['streamsInbound'], limit: 'streamsInbound' },
  { resource: 'stream', direction: 'outbound', counts: ['streamsOutbound'], limit: 'streamsOutbound' },
  { resource: 'stream', counts: ['streamsInbound', 'streamsOutbound'], limit: 'streams', total: true }
]

export const CONNECTION_CHECKS: Check[] = [
  { resource: 'connection', direction: 'inbound', counts: ['connsInbound'], limit: 'connsInbound' },
  { resource: 'connection', direction: 'outbound', counts: ['connsOutbound'], limit: 'connsOutbound' },
  { resource: 'connection', counts: ['connsInbound', 'connsOutbound'], limit: 'conns', total: true },
  { resource: 'fd', counts: ['fd'], limit: 'fd' }
]

const ERROR_NAMES: Record<string, string> = {
  stream: 'StreamLimitExceededError',
  connection: 'ConnectionLimitExceededError',
  fd: 'ConnectionLimitExceededError',
  memory: 'MemoryLimitExceededError'
}

export const UNLIMITED: Limit = { streams: Infinity, streamsInbound: Infinity, streamsOutbound: Infinity, conns: Infinity, connsInbound: Infinity, connsOutbound: Infinity, fd: Infinity, memory: Infinity }

export function newHolder (kind: Holder['kind'], name: string, rest: Partial<Holder> = {}): Holder {
  return { kind, name, open: true, held: nothing(), spans: 0, ...rest }
}

export function nothing (): Usage {
  return { memory: 0, streamsInbound: 0, streamsOutbound: 0, connsInbound: 0, connsOutbound: 0, fd: 0 }
}

export function add (usage: Usage, more: Usage): void {
  for (const key of Object.keys(usage) as Array<keyof Usage>) {
    usage[key] += more[key]
  }
}

export function toStat (usage: Usage): ScopeStat {
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
 * The bytes that a priority may fill, without a loss of precision
 */
export function exactThreshold (limit: number, priority: number): number {
  return limit === Infinity ? Infinity : Number((1n + BigInt(priority)) * BigInt(limit) / 256n)
}

export function memoryRefusal (usage: Usage, limit: Limit, size: number, priority: number): Refusal | undefined {
  const threshold = exactThreshold(limit.memory, priority)

  if (usage.memory + size > threshold) {
    return { resource: 'memory', current: usage.memory, attempted: size, limit: threshold, priority }
  }
}

export function countRefusal (checks: Check[], usage: Usage, limit: Limit, added: Usage): Refusal | undefined {
  const sum = (counts: Usage, keys: Array<keyof Usage>): number => keys.reduce((total, key) => total + counts[key], 0)

  for (const check of checks) {
    const current = sum(usage, check.counts)
    const attempted = sum(added, check.counts)

    if ((attempted > 0 || check.total === true) && current + attempted > limit[check.limit]) {
      return { resource: check.resource, direction: check.direction, current, attempted, limit: limit[check.limit] }
    }
  }
}

export function nameOf (scope: Scope): string {
  return typeof scope === 'string' ? scope : scope.name
}

/**
 * The names from the scope that was asked, through the owners of spans, to the
 * one that refused
 */
function nameOfRequest (requester: Holder | undefined, scope: Scope): string {
  const names: string[] = []

  for (let step: Scope | undefined = requester; step != null && nameOf(step) !== nameOf(scope); step = typeof step === 'string' ? undefined : step.owner) {
    names.push(nameOf(step))
  }

  return [...names, nameOf(scope)].join(': ')
}

export function refused (requester: Holder | undefined, scope: Scope, refusal: Refusal): Failure {
  const { resource = '', direction } = refusal
  const what = resource === 'fd' ? 'file descriptor' : [direction, resource].filter(word => word != null).join(' ')
  const reason = resource === 'memory' ? '' : `cannot reserve ${what}: `

  return { name: ERROR_NAMES[resource], message: `${nameOfRequest(requester, scope)}: ${reason}resource limit exceeded`, scope: nameOf(scope), ...refusal }
}

export function closed (requester: Holder | undefined, scope: Scope): Failure {
  return { name: 'ResourceScopeClosedError', message: `${nameOfRequest(requester, scope)}: resource scope closed` }
}

export function wrongState (message: string): Failure {
  return { name: 'ResourceScopeStateError', message }
}
