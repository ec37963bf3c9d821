import { freezeLimit } from '../limits/concrete-limits.ts'
import { LIMIT_FIELDS } from '../limits/limit.ts'
import { limitField } from '../limits/setting.ts'
import { heldBy, leaseKey, ScopeRoom } from './scope-room.ts'
import { sharedLimit } from './shared-limit.ts'
import type { ResolvedFleetLimits } from './fleet-limits.ts'
import type { Leases } from './leases.ts'
import type { ScopeRoomInit } from './scope-room.ts'
import type { FleetClock } from './shared-limit.ts'
import type { Limit } from '../limits/limit.ts'
import type { AggregateScope } from '../scopes/aggregate-scope.ts'
import type { CappedScope, LimitCap } from '../scopes/limit-cap.ts'
import type { OwnedScope } from '../scopes/owned-scope.ts'
import type { Refusal } from '../scopes/refusal.ts'
import type { RoomMaker } from '../scopes/room-maker.ts'
import type { ScopeGraph } from '../scopes/scope-graph.ts'
import type { ScopeKind } from '../scopes/scope-kind.ts'
import type { SharedLimit } from '../scopes/shared-limit.ts'
import type { Slice } from '../util/slices.ts'

export interface FleetScopesInit extends ScopeRoomInit, FleetClock {
  leases: Leases
  limits: ResolvedFleetLimits

  /** There is something to ask for */
  wanted(): void
}

/**
 * Gives the scopes of a node what it has leased, by lowering their limits: the code that admits
 * something knows nothing of it
 */
export class FleetScopes implements LimitCap, RoomMaker {
  readonly #init: FleetScopesInit
  readonly #graph: ScopeGraph
  #limits: ResolvedFleetLimits

  /** Those that are leased */
  readonly #rooms = new Map<AggregateScope, ScopeRoom>()

  /** The limits that scopes have as long as they are not leased, and what those are made from */
  readonly #allowances = new WeakMap<Readonly<Limit>, { fields: object, capped: Readonly<Limit> }>()
  readonly #uncapped = new WeakMap<Readonly<Limit>, Readonly<Limit>>()

  /** Counts what makes a scan that is under way stop */
  #changes = 0

  constructor (init: FleetScopesInit) {
    this.#init = init
    this.#graph = init.member.metricsSource.graph
    this.#limits = init.limits
  }

  start (): void {
    this.#graph.limitCap = this
    // before somebody ends something to make room that could be leased
    this.#graph.roomMakers.unshift(this)
    this.setLimits(this.#limits)
  }

  stop (): void {
    if (this.#graph.limitCap === this) {
      this.#graph.limitCap = undefined
    }

    const i = this.#graph.roomMakers.indexOf(this)

    i !== -1 && this.#graph.roomMakers.splice(i, 1)
    this.#release()
  }

  /**
   * The limits of the fleet are others now
   */
  setLimits (limits: ResolvedFleetLimits): void {
    this.#release()
    this.#limits = limits

    for (const [kind, key] of limits.named) {
      limits.of(kind, key).length > 0 && this.#leaseAhead(this.#scopeOf(kind, key))
    }

    for (const scope of this.#keyed()) {
      this.#rooms.has(scope) || this.limitChanged(scope)
    }
  }

  #scopeOf (kind: ScopeKind, key: string): AggregateScope {
    switch (kind) {
      case 'system':
        return this.#graph.normal.system
      case 'service':
        return this.#graph.getService(key)
      default:
        return this.#graph.getProtocol(key)
    }
  }

  /**
   * Leases room for scopes that hold something, and gives back that of the others
   */
  * scan (slice: Slice): Generator<undefined, void, undefined> {
    const changes = this.#changes

    for (const scope of this.#keyed()) {
      if (!scope.empty && !this.#rooms.has(scope) && this.#limits.of(scope.kind, scope.key).length > 0) {
        this.#lease(scope, false)
      }

      if (slice.over) {
        yield

        if (changes !== this.#changes) {
          return
        }
      }
    }

    for (const [scope, room] of this.#rooms) {
      if (!room.ahead && (scope.closed || (scope.empty && !room.wanted))) {
        this.#rooms.delete(scope)
        this.#init.leases.remove(room)
        scope.limit = room.base
        this.limitChanged(scope)
      }

      room.wanted = false

      if (slice.over) {
        yield

        if (changes !== this.#changes) {
          return
        }
      }
    }
  }

  // LimitCap

  limitChanged (scope: CappedScope): void {
    const room = this.#rooms.get(scope as AggregateScope)

    if (room !== undefined) {
      room.base = scope.limit
      room.apply()
      return
    }

    const fields = this.#limits.of(scope.kind, scope.key)

    if (fields.length > 0) {
      scope.limit = this.#allowance(scope.limit, fields)
    }
  }

  uncapped (scope: CappedScope): Readonly<Limit> | undefined {
    return this.#rooms.get(scope as AggregateScope)?.base ?? this.#uncapped.get(scope.limit)
  }

  sharedLimit (scope: CappedScope, field: keyof Limit): SharedLimit | undefined {
    const base = this.uncapped(scope)

    if (base === undefined || scope.limit[field] >= base[field]) {
      return
    }

    const index = LIMIT_FIELDS.indexOf(field)
    const [, limit] = this.#limits.of(scope.kind, scope.key).find(([found]) => found === index) ?? []

    if (limit !== undefined) {
      return sharedLimit(this.#init, this.#limits.pathOf(scope.kind, scope.key, field), limit, scope.limit[field], heldBy(scope as AggregateScope, index), this.#init.leases.of(leaseKey(scope), index))
    }
  }

  // RoomMaker

  makeRoom ({ direction, fullScope, refuser, resource }: Refusal, _newcomer: AggregateScope | OwnedScope): boolean {
    // what is full by another rule is not full by its limit
    if (fullScope === undefined || fullScope !== refuser || resource === 'rate' || resource === 'subnet') {
      return false
    }

    const scope = fullScope as AggregateScope
    let room = this.#rooms.get(scope)

    if (room === undefined) {
      if (scope.closed || this.#limits.of(scope.kind, scope.key).length === 0) {
        return false
      }

      room = this.#lease(scope, false)
    }

    room.wanted = true

    const more = this.#init.leases.short(room.key, LIMIT_FIELDS.indexOf(limitField(resource, direction)))

    this.#init.wanted()

    return more
  }

  /**
   * The scope has to stay: a new one would have no lease
   */
  #leaseAhead (scope: AggregateScope): void {
    scope.references++
    this.#lease(scope, true)
  }

  #lease (scope: AggregateScope, ahead: boolean): ScopeRoom {
    const room = new ScopeRoom(scope, ahead, this.uncapped(scope) ?? scope.limit, this.#init)

    this.#rooms.set(scope, room)
    this.#init.leases.add(room, this.#limits.of(scope.kind, scope.key))

    return room
  }

  /**
   * The limit of scopes without a lease: one object for all with the same limit
   */
  #allowance (base: Readonly<Limit>, fields: ReturnType<ResolvedFleetLimits['of']>): Readonly<Limit> {
    const known = this.#allowances.get(base)

    if (known?.fields === fields) {
      return known.capped
    }

    const lowered = { ...base }

    for (const [field, limit] of fields) {
      const name = LIMIT_FIELDS[field]

      lowered[name] = Math.min(base[name], this.#init.leases.allowanceOf(limit))
    }

    const capped = freezeLimit(lowered)

    this.#allowances.set(base, { fields, capped })
    this.#uncapped.set(capped, base)

    return capped
  }

  /**
   * All scopes have their own limits again
   */
  #release (): void {
    this.#changes++

    for (const [scope, room] of this.#rooms) {
      this.#init.leases.remove(room)
      scope.limit = room.base
      room.ahead && scope.unreference()
    }

    this.#rooms.clear()

    for (const scope of this.#keyed()) {
      scope.limit = this.#uncapped.get(scope.limit) ?? scope.limit
    }
  }

  /**
   * Those that may have a limit of the fleet
   */
  * #keyed (): Generator<AggregateScope> {
    if (this.#limits.has('service')) {
      yield * this.#graph.services.values()
    }

    if (this.#limits.has('protocol')) {
      yield * this.#graph.protocols.values()
    }

    if (this.#limits.has('peer')) {
      yield * this.#graph.peers.values()
    }
  }
}
