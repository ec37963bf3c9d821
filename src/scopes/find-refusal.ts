import { MEMORY_PRIORITY_ALWAYS, memoryThreshold } from './memory-priority.ts'
import { Refusal } from './refusal.ts'
import type { RefusingScope } from './refusal.ts'
import type { Usage } from './usage.ts'

// The cold path: which resource exactly does not fit, after a `fits…` method of `limited-counts.ts` has
// said that something does not

export function findMemoryRefusal (requester: RefusingScope | undefined, scope: RefusingScope, size: number, priority: number): Refusal | undefined {
  const threshold = memoryThreshold(scope.limit.memory, priority)

  if (scope.reserved + size > threshold) {
    return new Refusal(requester, scope, 'memory', undefined, scope.reserved, size, threshold, priority)
  }
}

/**
 * The limit of the direction comes first, then the total. The total is checked even if no stream is
 * added: nothing may move into a scope that exceeds its limit.
 */
export function findStreamRefusal (requester: RefusingScope | undefined, scope: RefusingScope, held: Usage, added: Usage): Refusal | undefined {
  const { limit } = scope

  if (added.streamsInbound > 0 && held.streamsInbound + added.streamsInbound > limit.streamsInbound) {
    return new Refusal(requester, scope, 'stream', 'inbound', held.streamsInbound, added.streamsInbound, limit.streamsInbound, undefined, added)
  }

  if (added.streamsOutbound > 0 && held.streamsOutbound + added.streamsOutbound > limit.streamsOutbound) {
    return new Refusal(requester, scope, 'stream', 'outbound', held.streamsOutbound, added.streamsOutbound, limit.streamsOutbound, undefined, added)
  }

  const total = held.streamsInbound + held.streamsOutbound
  const more = added.streamsInbound + added.streamsOutbound

  if (total + more > limit.streams) {
    return new Refusal(requester, scope, 'stream', undefined, total, more, limit.streams, undefined, added)
  }
}

/**
 * The limit of the direction comes first, then the total, then file descriptors
 */
export function findConnectionRefusal (requester: RefusingScope | undefined, scope: RefusingScope, held: Usage, added: Usage): Refusal | undefined {
  const { limit } = scope

  if (added.connsInbound > 0 && held.connsInbound + added.connsInbound > limit.connsInbound) {
    return new Refusal(requester, scope, 'connection', 'inbound', held.connsInbound, added.connsInbound, limit.connsInbound, undefined, added)
  }

  if (added.connsOutbound > 0 && held.connsOutbound + added.connsOutbound > limit.connsOutbound) {
    return new Refusal(requester, scope, 'connection', 'outbound', held.connsOutbound, added.connsOutbound, limit.connsOutbound, undefined, added)
  }

  const total = held.connsInbound + held.connsOutbound
  const more = added.connsInbound + added.connsOutbound

  if (total + more > limit.conns) {
    return new Refusal(requester, scope, 'connection', undefined, total, more, limit.conns, undefined, added)
  }

  if (added.fd > 0 && held.fd + added.fd > limit.fd) {
    return new Refusal(requester, scope, 'fd', undefined, held.fd, added.fd, limit.fd, undefined, added)
  }
}

/**
 * The first resource that does not fit when something moves into a scope. All resources are checked,
 * whatever moves.
 */
export function findMoveRefusal (scope: RefusingScope & Usage, added: Usage): Refusal | undefined {
  return findMemoryRefusal(undefined, scope, added.memory, MEMORY_PRIORITY_ALWAYS) ??
    findStreamRefusal(undefined, scope, scope, added) ??
    findConnectionRefusal(undefined, scope, scope, added)
}
