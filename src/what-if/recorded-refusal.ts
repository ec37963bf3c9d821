import { limitField, limitPath } from '../limits/setting.ts'
import { limitOf } from '../scopes/limit-of.ts'
import { memoryThreshold } from '../scopes/memory-priority.ts'
import { NamedPeer } from './named-peer.ts'
import type { RecordedEvent } from './recorded-event.ts'
import type { RefusedBy } from './replayed-refusals.ts'
import type { Limit } from '../limits/limit.ts'
import type { ConcreteLimiter } from '../limits/limiter.ts'
import type { ParsedScopeName } from '../reporting/scope-names.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

interface Exceeded {
  resource: 'memory' | 'stream' | 'connection' | 'fd'
  direction?: MessageStreamDirection
  limit: number
}

/**
 * Whether a request that a scope has refused would also be refused with another limit, by what
 * the scope held. A trace of go-libp2p says no more: neither who asked, nor which scopes would
 * have been next.
 */
export function refuseAgain (event: RecordedEvent, scope: ParsedScopeName, limiter: ConcreteLimiter): RefusedBy | undefined {
  const { kind, peer, protocol, service } = scope
  const key = protocol ?? service ?? peer ?? ''
  const exceeded = findExceeded(event, limitIn(limiter, scope, key))

  if (exceeded === undefined) {
    return
  }

  const path = limitPath(limiter, kind, key)

  return { kind, scope: event.name, ...exceeded, settingPath: path === undefined ? undefined : [...path, limitField(exceeded.resource, exceeded.direction)] }
}

function limitIn (limiter: ConcreteLimiter, { kind, peer }: ParsedScopeName, key: string): Readonly<Limit> {
  switch (kind) {
    case 'conn':
      return limiter.getConnLimits()
    case 'stream':
      return limiter.getStreamLimits()
    default:
      return limitOf(limiter, { kind, key, peer: new NamedPeer(peer ?? '') })
  }
}

function findExceeded ({ connsIn, connsOut, delta, deltaIn, deltaOut, fd, memory, priority, streamsIn, streamsOut, type }: RecordedEvent, limit: Readonly<Limit>): Exceeded | undefined {
  if (type === 'block_reserve_memory') {
    const threshold = memoryThreshold(limit.memory, priority)

    return memory + delta > threshold ? { resource: 'memory', limit: threshold } : undefined
  }

  const isStream = type === 'block_add_stream'
  const resource = isStream ? 'stream' : 'connection'
  const [heldIn, heldOut] = isStream ? [streamsIn, streamsOut] : [connsIn, connsOut]
  const [maxIn, maxOut, max] = isStream ? [limit.streamsInbound, limit.streamsOutbound, limit.streams] : [limit.connsInbound, limit.connsOutbound, limit.conns]

  if (deltaIn > 0 && heldIn + deltaIn > maxIn) {
    return { resource, direction: 'inbound', limit: maxIn }
  }

  if (deltaOut > 0 && heldOut + deltaOut > maxOut) {
    return { resource, direction: 'outbound', limit: maxOut }
  }

  if (heldIn + heldOut + deltaIn + deltaOut > max) {
    return { resource, limit: max }
  }

  return !isStream && delta > 0 && fd + delta > limit.fd ? { resource: 'fd', limit: limit.fd } : undefined
}
