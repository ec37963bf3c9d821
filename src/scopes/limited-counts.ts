import { MEMORY_PRIORITY_ALWAYS, memoryThreshold } from './memory-priority.ts'
import type { Usage } from './usage.ts'
import type { Limit } from '../limits/limit.ts'

/**
 * How much of each resource is held, and the limit.
 *
 * A request first calls `fits…` of all of its scopes, and then `add…` of all of them. Nothing can
 * happen in between, so nothing has to be undone.
 */
export abstract class LimitedCounts implements Usage {
  // what every stream reads comes first, so that it is in few cache lines
  limit: Readonly<Limit>
  streamsInbound = 0
  streamsOutbound = 0
  memory = 0
  connsInbound = 0
  connsOutbound = 0
  fd = 0

  /**
   * The part of `memory` that is in the buffers of streams and connections. It does not count
   * against the limit of this scope. In the system it is 0, because all memory counts there.
   */
  buffers = 0

  constructor (limit: Readonly<Limit>) {
    this.limit = limit
  }

  /**
   * Called after something was removed
   */
  abstract queueIfIdle (): void

  /**
   * The memory that counts against the limit, in bytes
   */
  get reserved (): number {
    return this.memory - this.buffers
  }

  get empty (): boolean {
    return this.streamsInbound + this.streamsOutbound + this.connsInbound + this.connsOutbound + this.fd === 0 &&
      this.memory === 0
  }

  fitsStream (inbound: boolean): boolean {
    const limit = this.limit

    return (inbound ? this.streamsInbound < limit.streamsInbound : this.streamsOutbound < limit.streamsOutbound) &&
      this.streamsInbound + this.streamsOutbound < limit.streams
  }

  addStream (inbound: boolean, memory: number): void {
    if (inbound) {
      this.streamsInbound++
    } else {
      this.streamsOutbound++
    }

    if (memory !== 0) {
      this.memory += memory
    }
  }

  removeStream (inbound: boolean, memory: number): void {
    if (inbound) {
      this.streamsInbound--
    } else {
      this.streamsOutbound--
    }

    if (memory !== 0) {
      this.memory -= memory
    }

    this.queueIfIdle()
  }

  fitsConnection (inbound: boolean, usefd: boolean): boolean {
    const limit = this.limit

    return (inbound ? this.connsInbound < limit.connsInbound : this.connsOutbound < limit.connsOutbound) &&
      this.connsInbound + this.connsOutbound < limit.conns &&
      (!usefd || this.fd < limit.fd)
  }

  addConnection (inbound: boolean, usefd: boolean, memory: number): void {
    if (inbound) {
      this.connsInbound++
    } else {
      this.connsOutbound++
    }

    if (usefd) {
      this.fd++
    }

    if (memory !== 0) {
      this.memory += memory
    }
  }

  removeConnection (inbound: boolean, usefd: boolean, memory: number): void {
    if (inbound) {
      this.connsInbound--
    } else {
      this.connsOutbound--
    }

    if (usefd) {
      this.fd--
    }

    if (memory !== 0) {
      this.memory -= memory
    }

    this.queueIfIdle()
  }

  fitsMemory (size: number, priority: number): boolean {
    const limit = this.limit.memory

    return this.memory - this.buffers + size <= (priority === MEMORY_PRIORITY_ALWAYS ? limit : memoryThreshold(limit, priority))
  }

  /**
   * Whether a stream can move here. As in go-libp2p, all resources are checked, so that nothing moves
   * into a scope that exceeds its limit of another resource.
   */
  fitsStreamMove (inbound: boolean, memory: number): boolean {
    return this.memory - this.buffers + memory <= this.limit.memory &&
      this.fitsStream(inbound) &&
      this.connsInbound + this.connsOutbound <= this.limit.conns
  }

  /**
   * Whether a connection can move here. As in go-libp2p, all resources are checked.
   */
  fitsConnectionMove (inbound: boolean, usefd: boolean, memory: number): boolean {
    return this.memory - this.buffers + memory <= this.limit.memory &&
      this.streamsInbound + this.streamsOutbound <= this.limit.streams &&
      this.fitsConnection(inbound, usefd)
  }
}
