import { ResourceScopeStateError } from '../errors.ts'
import { checkName } from './arguments.ts'
import { findMoveRefusal } from './find-refusal.ts'
import { memoryThreshold } from './memory-priority.ts'
import { OwnedScope } from './owned-scope.ts'
import { SERVICE_CHOSEN } from './rare-fields.ts'
import { Refusal, scopeClosedError } from './refusal.ts'
import type { AggregateScope, PeerShareScope, ScopePair } from './aggregate-scope.ts'
import type { Evictable } from './evictable.ts'
import type { Graph } from './graph.ts'
import type { ServiceScope } from './resource-scope.ts'
import type { Limit } from '../limits/limit.ts'

/**
 * Has a say in what becomes part of a service, besides the scopes, and is told what
 * does
 */
export interface ServiceGate {
  /**
   * Why it may not be part of the service, if so
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

export interface MovableGraph extends Graph {
  readonly serviceGate?: ServiceGate
  readonly placements?: PlacementObserver

  getService(service: string): AggregateScope
  getPeerChild(peerScope: AggregateScope, group: AggregateScope): PeerShareScope
  makeRoom(refusal: Refusal | undefined, newcomer: AggregateScope | OwnedScope, check: () => Refusal | undefined): Refusal | undefined
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
export abstract class MovableScope extends OwnedScope {
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
    return this.servicePeer?.group
  }

  /**
   * Adds it to a service, or answers why not
   */
  trySetService (service: string): Refusal | undefined {
    checkName('service', service)
    this.assertOpen()

    if (this.servicePeer != null) {
      if (this.rare?.serviceChosen !== true && this.servicePeer.group.key === service) {
        return
      }

      throw new ResourceScopeStateError(`${this.kind === 'conn' ? 'connection' : 'stream'} scope already attached to a service`)
    }

    if (this.peerScope == null || this.missingForService != null) {
      throw new ResourceScopeStateError(`${this.kind === 'conn' ? 'connection' : 'stream'} scope not attached to a ${this.missingForService}`)
    }

    const { serviceGate } = this.graph
    const reason = serviceGate?.findRefusal(this, service)

    if (reason !== undefined && this.graph.refuse(reason, this, service) !== undefined) {
      return reason
    }

    const child = this.join(this.graph.getService(service), this.peerScope)

    if (child instanceof Refusal) {
      return child
    }

    this.servicePeer = child
    this.graph.placements?.placed(this)

    if (this.graph.tracer !== undefined) {
      this.graph.tracer.joined(this, child)
    }

    // who was told may have ended this
    if (!this.closed) {
      serviceGate?.joined(this, service)
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

  protected assertOpen (): void {
    if (this.closed) {
      throw scopeClosedError(this, this)
    }
  }

  /**
   * Why it cannot be added to one of some scopes, if so, after whatever gives way has done so
   *
   * @param joining - the peer, protocol or service that it would become part of
   * @param scopes
   */
  protected refuseMove (joining: string, ...scopes: AggregateScope[]): Refusal | undefined {
    const find = (): Refusal | undefined => {
      const full = scopes.find(scope => !this.fitsInto(scope))

      return full == null ? undefined : findMoveRefusal(full, { ...this.usage, memory: this.reserved })
    }
    const refusal = this.graph.refuse(this.graph.makeRoom(find(), this, find), this, joining)

    // what gave way may have taken this with it
    this.assertOpen()

    return refusal
  }

  /**
   * Adds it to a protocol or service and to the share that its peer has of that,
   * or to neither. The caller has to remember it before anybody is told.
   */
  protected join (group: AggregateScope, peerScope: AggregateScope): PeerShareScope | Refusal {
    const child = this.graph.getPeerChild(peerScope, group)

    // who was told of the child may have ended this
    this.assertOpen()

    if (!this.fitsInto(group) || !this.fitsInto(child)) {
      const refusal = this.refuseMove(group.key, group, child)

      if (refusal != null) {
        return refusal
      }
    }

    this.addTo(group)
    this.addTo(child)

    return child
  }
}
