import { MEMORY_PRIORITY_ALWAYS, memoryThreshold } from './memory-priority.ts'
import type { Usage } from './usage.ts'
import type { Limit } from '../limits/limit.ts'

/**
 * What is held of each resource, and the limit of it: plain number fields.
 *
 * A request first asks `fits…` of everything that constrains it and then calls
 * `add…` on all of it: nothing can happen in between, so nothing ever has to be
 * undone.
 */
export abstract class LimitedCounts implements Usage {
  // what every stream reads comes first, to be in as few cache lines as possible
  limit: Readonly<Limit>
  streamsInbound = 0
  streamsOutbound = 0
  memory = 0
  connsInbound = 0
  connsOutbound = 0
  fd = 0

  /**
   * The part of `memory` that is in the buffers of streams and connections and refuses
   * nothing here. It is 0 in the system, where all memory counts.
   */
  buffers = 0

  constructor (limit: Readonly<Limit>) {
    this.limit = limit
  }

  /**
   * Called when something was taken out
   */
  abstract queueIfIdle (): void

  /**
   * What a reservation must fit in together with
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
   * A stream moves in: everything is checked, as go-libp2p does, so that nothing
   * moves into a scope that is over a limit for another reason
   */
  fitsStreamMove (inbound: boolean, memory: number): boolean {
    return this.memory - this.buffers + memory <= this.limit.memory &&
      this.fitsStream(inbound) &&
      this.connsInbound + this.connsOutbound <= this.limit.conns
  }

  /**
   * A connection moves in: everything is checked, as go-libp2p does
   */
  fitsConnectionMove (inbound: boolean, usefd: boolean, memory: number): boolean {
    return this.memory - this.buffers + memory <= this.limit.memory &&
      this.streamsInbound + this.streamsOutbound <= this.limit.streams &&
      this.fitsConnection(inbound, usefd)
  }
}
