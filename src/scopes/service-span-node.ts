import { checkDirection } from './arguments.ts'
import { findConnectionShortage, findStreamShortage, NOTHING, scopeClosedError } from './refusal.ts'
import { SpanNode } from './span-node.ts'
import type { AggregateNode } from './aggregate-node.ts'
import type { Refusal, Usage } from './refusal.ts'
import type { OwnedServiceScope, ServiceScope } from './resource-scope.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

const ONE_STREAM = {
  inbound: Object.freeze({ memory: 0, streamsInbound: 1, streamsOutbound: 0, connsInbound: 0, connsOutbound: 0, fd: 0 }),
  outbound: Object.freeze({ memory: 0, streamsInbound: 0, streamsOutbound: 1, connsInbound: 0, connsOutbound: 0, fd: 0 })
}

function oneConnection (inbound: boolean, usefd: boolean): Usage {
  return { ...NOTHING, connsInbound: inbound ? 1 : 0, connsOutbound: inbound ? 0 : 1, fd: usefd ? 1 : 0 }
}

/**
 * A span of a service that can hold streams and connections too
 */
export class ServiceSpanNode extends SpanNode implements OwnedServiceScope, Usage {
  declare readonly owner: AggregateNode
  streamsInbound = 0
  streamsOutbound = 0
  connsInbound = 0
  connsOutbound = 0
  fd = 0

  get serviceScope (): ServiceScope {
    return this.owner
  }

  get usage (): Usage {
    return this
  }

  reserveStream (direction: MessageStreamDirection): void {
    checkDirection(direction)
    this.assertOpen()
    this.admit((node, held) => findStreamShortage(this, node, held, ONE_STREAM[direction]))

    const inbound = direction === 'inbound'

    if (inbound) {
      this.streamsInbound++
    } else {
      this.streamsOutbound++
    }

    this.owner.addStream(inbound, 0)
    this.graph.normal.system.addStream(inbound, 0)
    this.graph.tracer?.added(this.chain, ONE_STREAM[direction])
  }

  releaseStream (direction: MessageStreamDirection): void {
    checkDirection(direction)

    const inbound = direction === 'inbound'
    const held = inbound ? this.streamsInbound : this.streamsOutbound

    if (this.closed) {
      return
    }

    if (held === 0) {
      this.graph.reportOverRelease(this, `${direction} streams`, 1, 0)
      return
    }

    if (inbound) {
      this.streamsInbound--
    } else {
      this.streamsOutbound--
    }

    this.owner.dropStream(inbound, 0)
    this.graph.normal.system.dropStream(inbound, 0)
    this.graph.tracer?.removed(this.chain, ONE_STREAM[direction])
  }

  reserveConnection (direction: MessageStreamDirection, usefd = false): void {
    checkDirection(direction)
    this.assertOpen()

    const inbound = direction === 'inbound'
    const added = oneConnection(inbound, usefd)

    this.admit((node, held) => findConnectionShortage(this, node, held, added))

    this.connsInbound += added.connsInbound
    this.connsOutbound += added.connsOutbound
    this.fd += added.fd
    this.owner.addConnection(inbound, usefd, 0)
    this.graph.normal.system.addConnection(inbound, usefd, 0)
    this.graph.tracer?.added(this.chain, added)
  }

  releaseConnection (direction: MessageStreamDirection, usefd = false): void {
    checkDirection(direction)

    const inbound = direction === 'inbound'

    if (this.closed) {
      return
    }

    const held = inbound ? this.connsInbound : this.connsOutbound
    const connections = this.connsInbound + this.connsOutbound

    // those that are left must be able to hold the file descriptors that are left
    if (held === 0 || (usefd ? this.fd === 0 : this.fd === connections)) {
      this.graph.reportOverRelease(this, `${direction} connections ${usefd ? 'with' : 'without'} a file descriptor`, 1, 0)
      return
    }

    if (inbound) {
      this.connsInbound--
    } else {
      this.connsOutbound--
    }

    this.fd -= usefd ? 1 : 0
    this.owner.dropConnection(inbound, usefd, 0)
    this.graph.normal.system.dropConnection(inbound, usefd, 0)
    this.graph.tracer?.removed(this.chain, oneConnection(inbound, usefd))
  }

  release (): void {
    super.release()

    const held: Usage = {
      memory: 0,
      streamsInbound: this.streamsInbound,
      streamsOutbound: this.streamsOutbound,
      connsInbound: this.connsInbound,
      connsOutbound: this.connsOutbound,
      fd: this.fd
    }

    this.giveCounts()
    this.emptyCounts()
    this.graph.tracer?.removed(this.chain, held)
  }

  protected leave (): void {
    this.giveCounts()
    super.leave()
  }

  protected empty (): void {
    super.empty()
    this.emptyCounts()
  }

  /**
   * Gives back every stream, connection and file descriptor that is held
   */
  private giveCounts (): void {
    for (const node of [this.owner, this.graph.normal.system]) {
      node.dropCounts(this)
    }
  }

  private emptyCounts (): void {
    this.streamsInbound = 0
    this.streamsOutbound = 0
    this.connsInbound = 0
    this.connsOutbound = 0
    this.fd = 0
  }

  private assertOpen (): void {
    if (this.closed) {
      throw scopeClosedError(this, this)
    }
  }

  /**
   * Throws what `findShortage` finds first in this span, the service and the
   * system
   */
  private admit (findShortage: (node: AggregateNode | ServiceSpanNode, held: Usage) => Refusal | undefined): void {
    for (const node of [this, this.owner, this.graph.normal.system]) {
      const shortage = findShortage(node, node)

      if (shortage != null) {
        const refusal = this.graph.refuse(shortage)

        if (refusal != null) {
          throw this.graph.errorOf(refusal)
        }

        return
      }
    }
  }
}
