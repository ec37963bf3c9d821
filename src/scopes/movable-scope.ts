import { ResourceScopeStateError } from '../errors.ts'
import { checkName } from './arguments.ts'
import { findMemoryRefusal } from './find-refusal.ts'
import { memoryThreshold, openingPriority } from './memory-priority.ts'
import { findGated, refuseMove, TO_SERVICE } from './moves.ts'
import { OwnedScope } from './owned-scope.ts'
import { SERVICE_CHOSEN } from './rare-fields.ts'
import { assertOpen } from './refusal.ts'
import type { AggregateScope, PeerShareScope } from './aggregate-scope.ts'
import type { Evictable } from './evictable.ts'
import type { Graph } from './graph.ts'
import type { Mover, Moving } from './moves.ts'
import type { Refusal } from './refusal.ts'
import type { ServiceScope } from './resource-scope.ts'
import type { ScopePair } from './scope-pair.ts'
import type { Limit } from '../limits/limit.ts'

/**
 * Decides with the scopes what may join a service, and is told what has joined it
 */
export interface ServiceGate {
  /**
   * Why something may not join the service, if so. Counts nothing.
   */
  findRefusal(scope: Pick<MovableScope, 'inbound' | 'kind'>, service: string): Refusal | undefined

  joined(scope: MovableScope, service: string): void
}

/**
 * Is told which scopes connections and streams are in, after each change. It must not throw.
 *
 * There is an observer only while something is full. Without one, a change costs the reading of one
 * field.
 */
export interface PlacementObserver {
  /**
   * A connection or stream has entered the graph, or has moved
   */
  placed(scope: MovableScope): void

  left(scope: MovableScope): void
}

export interface MovableGraph extends Graph, Mover {
  readonly serviceGate?: ServiceGate
  readonly placements?: PlacementObserver

  refuse(refusal: Refusal | undefined, requester?: Refusal['requester'], joining?: string): Refusal | undefined
}

export function stateError ({ kind }: MovableScope, state: string): ResourceScopeStateError {
  return new ResourceScopeStateError(`${kind === 'conn' ? 'connection' : 'stream'} scope ${state}`)
}

/**
 * The scopes that `explain` imagines have no number
 */
export function nameOf ({ kind, serial }: MovableScope): string {
  return serial === 0 ? kind : `${kind}-${serial}`
}

/**
 * A connection or a stream. It moves through the graph as more becomes known about it, with
 * everything that it holds. If it does not fit into its destination, it stays where it is and
 * nothing changes.
 */
export abstract class MovableScope extends OwnedScope implements Moving {
  declare readonly graph: MovableGraph
  declare readonly inbound: boolean
  declare pair: ScopePair
  declare peerScope?: AggregateScope
  declare servicePeer?: PeerShareScope

  /**
   * The part of `memory` that is in buffers. It does not count against the limit of this scope. It
   * is not in `rare` because each reservation reads it, and `rare` has several shapes.
   */
  declare buffers: number

  constructor (graph: MovableGraph, serial: number, ownLimit: Readonly<Limit> | undefined, inbound: boolean, pair: ScopePair, peerScope?: AggregateScope) {
    super(graph, serial)
    this.inbound = inbound
    this.pair = pair
    this.peerScope = peerScope
    this.servicePeer = undefined
    this.buffers = 0

    if (ownLimit !== undefined) {
      this.ownLimit = ownLimit
    }
  }

  get ownLimit (): Readonly<Limit> | undefined {
    return this.rare === undefined ? undefined : this.rare.ownLimit
  }

  set ownLimit (limit: Readonly<Limit>) {
    this.makeRare().ownLimit = limit
  }

  /**
   * What a `PlacementObserver` remembers of it. The graph only keeps it.
   */
  get places (): object | undefined {
    return this.rare?.places
  }

  set places (places: object | undefined) {
    this.makeRare().places = places
  }

  /**
   * The user of the scope, if it can give way to others
   */
  abstract holder?: Evictable | undefined

  get reserved (): number {
    return this.memory - this.buffers
  }

  fitsMemory (size: number, priority: number): boolean {
    return this.memory - this.buffers + size <= memoryThreshold(this.limit.memory, priority)
  }

  /**
   * What it needs, and does not have yet, before it can have a service
   */
  protected abstract readonly missingForService: 'peer' | 'protocol' | undefined

  abstract get edges (): AggregateScope[]

  abstract fitsInto (scope: AggregateScope): boolean
  abstract addTo (scope: AggregateScope): void
  abstract removeFrom (scope: AggregateScope): void

  protected abstract addBuffersToEdges (size: number): void

  /**
   * Counts memory of buffers. It is in use already, so nothing is checked. The caller makes sure
   * that the system has room for it.
   *
   * @param size - how many bytes more or, below 0, fewer there are than before
   */
  addBuffers (size: number): void {
    if (this.closed) {
      return
    }

    this.memory += size
    this.buffers += size
    this.addBuffersToEdges(size)

    if (this.graph.tracer !== undefined) {
      this.graph.tracer.buffered(this, size)
    }
  }

  /**
   * Remembered refusals keep the scope that they were for. So subclasses also forget their holder
   * here, or such a refusal would keep the whole stream or connection in memory.
   */
  protected empty (): void {
    super.empty()
    this.buffers = 0
  }

  get allowlisted (): boolean {
    return this.pair.allowlisted
  }

  get serviceScope (): ServiceScope | undefined {
    return this.servicePeer?.whole
  }

  /**
   * Adds it to a service, or answers why not
   */
  trySetService (service: string): Refusal | undefined {
    checkName('service', service)
    assertOpen(this)

    if (this.servicePeer != null) {
      if (this.rare?.serviceChosen !== true && this.servicePeer.whole.key === service) {
        return
      }

      throw stateError(this, 'already attached to a service')
    }

    if (this.peerScope == null || this.missingForService != null) {
      throw stateError(this, `not attached to a ${this.missingForService}`)
    }

    const { graph, peerScope } = this
    const found = findGated(this, service) === undefined ? this.findShare(graph.getService(service), peerScope) : undefined
    const refusal = found === undefined ? refuseMove(graph, TO_SERVICE, this, service) : undefined

    if (refusal !== undefined) {
      return refusal
    }

    const share = this.join(found ?? graph.getPeerChild(peerScope, graph.getService(service)))

    this.servicePeer = share
    graph.placements?.placed(this)

    if (graph.tracer !== undefined) {
      graph.tracer.joined(this, share)
    }

    // a tracer or observer may have ended this
    if (!this.closed) {
      graph.serviceGate?.joined(this, service)
    }
  }

  /**
   * Adds it to the service of its protocol, or answers why not. Its user may still name this
   * service, but no other.
   */
  tryAssignService (service: string): Refusal | undefined {
    return this.trySetService(service)
  }

  setService (service: string): void {
    const chosen = this.servicePeer == null
    const refusal = this.trySetService(service)

    if (refusal != null) {
      throw this.graph.errorOf(refusal)
    }

    if (!chosen) {
      return
    }

    if (this.rare === undefined) {
      this.rare = SERVICE_CHOSEN
    } else {
      this.makeRare().serviceChosen = true
    }
  }

  /**
   * Why its base cost does not fit, if so
   */
  protected findCostRefusal (cost: number): Refusal | undefined {
    const priority = openingPriority(this.inbound)

    const full = this.hasMemory(cost, priority) ? undefined : this.firstWithoutMemory(cost, priority)

    return full && findMemoryRefusal(this, full, cost, priority)
  }

  /**
   * The share that its peer has of a protocol or service, if both have room
   */
  protected findShare (whole: AggregateScope, peerScope: AggregateScope): PeerShareScope | undefined {
    const share = this.graph.getPeerChild(peerScope, whole)

    // a tracer that was told of the share may have ended this
    assertOpen(this)

    return this.fitsInto(whole) && this.fitsInto(share) ? share : undefined
  }

  /**
   * Adds it to a share, and to the protocol or service that this is a share of. The caller has to
   * set its own field before it tells anybody.
   */
  protected join (share: PeerShareScope): PeerShareScope {
    this.addTo(share.whole)
    this.addTo(share)

    return share
  }
}
