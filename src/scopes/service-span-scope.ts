import { checkDirection } from './arguments.ts'
import { findConnectionRefusal, findStreamRefusal } from './find-refusal.ts'
import { assertOpen } from './refusal.ts'
import { SpanScope } from './span-scope.ts'
import { NOTHING, oneConnection, oneStream } from './usage.ts'
import type { AggregateScope } from './aggregate-scope.ts'
import type { Graph } from './graph.ts'
import type { OwnedServiceScope, ServiceScope } from './resource-scope.ts'
import type { ScopePair } from './scope-pair.ts'
import type { Usage } from './usage.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

type Counts = { -readonly [K in keyof Omit<Usage, 'memory'>]: Usage[K] }

function addCounts (counts: Counts, added: Counts, sign: 1 | -1): void {
  counts.streamsInbound += sign * added.streamsInbound
  counts.streamsOutbound += sign * added.streamsOutbound
  counts.connsInbound += sign * added.connsInbound
  counts.connsOutbound += sign * added.connsOutbound
  counts.fd += sign * added.fd
}

/**
 * A span of a service that can also hold streams and connections
 */
export class ServiceSpanScope extends SpanScope implements OwnedServiceScope, Usage {
  declare readonly graph: Graph & { readonly normal: ScopePair }
  declare readonly owner: AggregateScope
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
    this.#reserve(oneStream(direction === 'inbound'), findStreamRefusal)
  }

  releaseStream (direction: MessageStreamDirection): void {
    checkDirection(direction)

    const inbound = direction === 'inbound'
    const held = inbound ? this.streamsInbound : this.streamsOutbound

    this.#release(oneStream(inbound), held > 0, `${direction} streams`)
  }

  reserveConnection (direction: MessageStreamDirection, usefd = false): void {
    checkDirection(direction)
    this.#reserve(oneConnection(direction === 'inbound', usefd), findConnectionRefusal)
  }

  releaseConnection (direction: MessageStreamDirection, usefd = false): void {
    checkDirection(direction)

    const inbound = direction === 'inbound'
    const held = inbound ? this.connsInbound : this.connsOutbound

    // without `usefd`, one of the connections that are held must have no file descriptor
    const isHeld = held > 0 && (usefd ? this.fd > 0 : this.fd < this.connsInbound + this.connsOutbound)

    this.#release(oneConnection(inbound, usefd), isHeld, `${direction} connections ${usefd ? 'with' : 'without'} a file descriptor`)
  }

  release (): void {
    super.release()

    const held = { ...NOTHING }

    addCounts(held, this, 1)
    this.#add(held, -1)
    this.graph.tracer?.removed(this.selfAndEdges, held)
  }

  protected leave (): void {
    addCounts(this.owner, this, -1)
    addCounts(this.graph.normal.system, this, -1)
    super.leave()
  }

  protected empty (): void {
    super.empty()
    addCounts(this, this, -1)
  }

  #reserve (added: Usage, findRefusal: typeof findStreamRefusal): void {
    assertOpen(this)

    for (const scope of this.#scopes) {
      const reason = findRefusal(this, scope, scope, added)

      if (reason != null) {
        const refusal = this.graph.refuse(reason)

        if (refusal != null) {
          throw this.graph.errorOf(refusal)
        }

        break
      }
    }

    this.#add(added, 1)
    this.graph.tracer?.added(this.selfAndEdges, added)
  }

  #release (dropped: Usage, isHeld: boolean, what: string): void {
    if (this.closed) {
      return
    }

    if (!isHeld) {
      this.graph.reportOverRelease(this, what, 1, 0)
      return
    }

    this.#add(dropped, -1)
    this.graph.tracer?.removed(this.selfAndEdges, dropped)
  }

  /**
   * The scopes that it is counted in. Services and the system are never collected, so they need not
   * be checked for being idle.
   */
  get #scopes (): [this, AggregateScope, AggregateScope] {
    return [this, this.owner, this.graph.normal.system]
  }

  #add (usage: Usage, sign: 1 | -1): void {
    for (const scope of this.#scopes) {
      addCounts(scope, usage, sign)
    }
  }
}
