import type { Limit } from '../limits/limit.ts'
import type { AggregateScope } from '../scopes/aggregate-scope.ts'

/**
 * The greatest share of each limit that any of some scopes uses, from 0 to 1 unless a limit
 * was lowered. Scopes can be very many, so nothing is allocated or looked up for each.
 */
export class LimitShares implements Record<keyof Limit, number> {
  streams = 0
  streamsInbound = 0
  streamsOutbound = 0
  conns = 0
  connsInbound = 0
  connsOutbound = 0
  fd = 0
  memory = 0

  add ({ connsInbound, connsOutbound, fd, limit, memory, streamsInbound, streamsOutbound }: AggregateScope): void {
    this.streams = greater(this.streams, streamsInbound + streamsOutbound, limit.streams)
    this.streamsInbound = greater(this.streamsInbound, streamsInbound, limit.streamsInbound)
    this.streamsOutbound = greater(this.streamsOutbound, streamsOutbound, limit.streamsOutbound)
    this.conns = greater(this.conns, connsInbound + connsOutbound, limit.conns)
    this.connsInbound = greater(this.connsInbound, connsInbound, limit.connsInbound)
    this.connsOutbound = greater(this.connsOutbound, connsOutbound, limit.connsOutbound)
    this.fd = greater(this.fd, fd, limit.fd)
    this.memory = greater(this.memory, memory, limit.memory)
  }

  get greatest (): number {
    return Math.max(
      this.streams, this.streamsInbound, this.streamsOutbound,
      this.conns, this.connsInbound, this.connsOutbound, this.fd, this.memory
    )
  }
}

function greater (share: number, used: number, limit: number): number {
  // what is not in use has no share, not even of 0
  return used > 0 && used / limit > share ? used / limit : share
}

/**
 * The share that a scope uses of the limit that it is closest to
 */
export function fullestShare (scope: AggregateScope): number {
  const shares = new LimitShares()

  shares.add(scope)

  return shares.greatest
}
