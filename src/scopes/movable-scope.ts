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
 * Has a say in what becomes part of a service, besides the scopes, and is told what
 * does
 */
export interface ServiceGate {
  /**
   * Why it may not be part of the service, if so. Nothing is counted.
   */
  findRefusal(scope: Pick<MovableScope, 'inbound' | 'kind'>, service: string): Refusal | undefined

  /**
   * It has become part of the service
   */
  joined(scope: MovableScope, service: string): void
}

/**
 * Observes which connections and streams are where. It is called after the change, and must
 * not throw.
 *
 * There is one only while something is full. Without, nothing but a look at one field
 * happens.
 */
export interface PlacementObserver {
  /**
   * It has entered the graph, or has moved in it
   */
  placed(scope: MovableScope): void

  /**
   * It has left the graph
   */
  left(scope: MovableScope): void
}

export interface MovableGraph extends Graph, Mover {
  readonly serviceGate?: ServiceGate
  readonly placements?: PlacementObserver

  refuse(refusal: Refusal | undefined, requester?: Refusal['requester'], joining?: string): Refusal | undefined
}

/**
 * A connection or stream cannot do what it is asked as it is
 */
export function stateError ({ kind }: MovableScope, state: string): ResourceScopeStateError {
  return new ResourceScopeStateError(`${kind === 'conn' ? 'connection' : 'stream'} scope ${state}`)
}

/**
 * What `explain` looks at has no number
 */
export function nameOf ({ kind, serial }: MovableScope): string {
  return serial === 0 ? kind : `${kind}-${serial}`
}

/**
 * A scope that moves through the graph as more becomes known about it: a
 * connection or a stream. It takes along all that it holds. When it does not fit
 * where it should go it stays where it is, and nothing has changed.
 */
export abstract class MovableScope extends OwnedScope implements Moving {
  declare readonly graph: MovableGraph
  declare readonly inbound: boolean
  declare pair: ScopePair
  declare peerScope?: AggregateScope
  declare servicePeer?: PeerShareScope

  /**
   * The part of `memory` that is in buffers, which refuses nothing here. A field: a getter
   * that looks at `rare` is called with several shapes, for each reservation.
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
   * Where it is among others, while somebody follows the graph. The graph only keeps it.
   */
  get places (): object | undefined {
    return this.rare?.places
  }

  set places (places: object | undefined) {
    this.makeRare().places = places
  }

  /**
   * What uses it, where that can be made to give way to others
   */
  abstract holder?: Evictable | undefined

  get reserved (): number {
    return this.memory - this.buffers
  }

  fitsMemory (size: number, priority: number): boolean {
    return this.memory - this.buffers + size <= memoryThreshold(this.limit.memory, priority)
  }

  /**
   * What has to be known about it before its service can be
   */
  protected abstract readonly missingForService: 'peer' | 'protocol' | undefined

  /**
   * All of them are shared
   */
  abstract get edges (): AggregateScope[]

  abstract fitsInto (scope: AggregateScope): boolean
  abstract addTo (scope: AggregateScope): void
  abstract removeFrom (scope: AggregateScope): void

  /**
   * Adds memory that is in buffers to what constrains this one
   */
  protected abstract addBuffersToEdges (size: number): void

  /**
   * Counts memory that is in buffers: it is there already, so there is nothing to check.
   * Whoever counts it sees to it that there is room in the system.
   *
   * @param size - how much more or, below 0, less it is than before, in bytes
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
   * A refusal that is remembered has the scope that asked, and so what extends this forgets its
   * holder too: it must not keep the stream or connection and all that it held
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

    // who was told may have ended this
    if (!this.closed) {
      graph.serviceGate?.joined(this, service)
    }
  }

  /**
   * Adds it to the service that is known to be the one for its protocol, or
   * answers why not
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
   * Why its base cost does not fit when it is opened, if so
   */
  protected findCostRefusal (cost: number): Refusal | undefined {
    const priority = openingPriority(this.inbound)

    const full = this.hasMemory(cost, priority) ? undefined : this.firstWithoutMemory(cost, priority)

    return full && findMemoryRefusal(this, full, cost, priority)
  }

  /**
   * The share that its peer has of a protocol or service, if there is room in both
   */
  protected findShare (whole: AggregateScope, peerScope: AggregateScope): PeerShareScope | undefined {
    const share = this.graph.getPeerChild(peerScope, whole)

    // who was told of the share may have ended this
    assertOpen(this)

    return this.fitsInto(whole) && this.fitsInto(share) ? share : undefined
  }

  /**
   * Adds it to a protocol or service and to the share that its peer has of that. The caller has to
   * remember it before anybody is told.
   */
  protected join (share: PeerShareScope): PeerShareScope {
    this.addTo(share.whole)
    this.addTo(share)

    return share
  }
}
