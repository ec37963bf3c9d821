import { freezeLimit } from '../limits/concrete-limits.ts'
import { LIMIT_FIELDS } from '../limits/limit.ts'
import type { GiveWay, YieldingScope } from './give-way.ts'
import type { LeasedScope } from './lease.ts'
import type { Limit } from '../limits/limit.ts'
import type { FleetMember } from '../manager/fleet-link.ts'
import type { AggregateScope } from '../scopes/aggregate-scope.ts'
import type { DefaultConnectionScope } from '../scopes/connection-scope.ts'
import type { Limited } from '../scopes/limit-of.ts'

/**
 * Of connections: those that end when there are too many
 */
const CONNECTION_FIELDS = new Set<keyof Limit>(['conns', 'connsInbound', 'connsOutbound', 'fd'])

export interface ScopeRoomInit {
  member: FleetMember

  /** Ends connections of what has too many */
  yielding: GiveWay
}

/**
 * The room that a scope has
 */
export class ScopeRoom implements LeasedScope, YieldingScope {
  readonly key: string
  readonly ahead: boolean

  /** The limit that the scope would have by itself */
  base: Readonly<Limit>

  /** Something did not fit since the last scan */
  wanted = false
  readonly #scope: AggregateScope
  readonly #init: ScopeRoomInit
  readonly #rooms: number[] = LIMIT_FIELDS.map(() => Infinity)

  constructor (scope: AggregateScope, ahead: boolean, base: Readonly<Limit>, init: ScopeRoomInit) {
    this.#scope = scope
    this.#init = init
    this.key = leaseKey(scope)
    this.ahead = ahead
    this.base = base
  }

  held (field: number): number {
    return heldBy(this.#scope, field)
  }

  setRoom (field: number, room: number): void {
    if (this.#rooms[field] !== room) {
      this.#rooms[field] = room
      this.apply()
    }
  }

  apply (): void {
    const limit = { ...this.base }

    LIMIT_FIELDS.forEach((field, i) => {
      limit[field] = Math.min(limit[field], this.#rooms[i])
    })
    // limits that are all made in the same way are compared faster
    this.#scope.limit = freezeLimit(limit)
  }

  /**
   * Ends the youngest connections of a peer. In a scope that all share, nobody ends: they have
   * done nothing wrong.
   */
  giveWay (field: number, to: number): void {
    if (this.#scope.kind !== 'peer' || !CONNECTION_FIELDS.has(LIMIT_FIELDS[field]) || !this.#init.member.enforces) {
      return
    }

    this.#init.yielding.add(this, field, to)
  }

  roomOf (field: number): number {
    return this.#rooms[field]
  }

  yields (connection: DefaultConnectionScope): boolean {
    return connection.peerScope === this.#scope
  }
}

/**
 * The name of a scope in the fleet
 */
export function leaseKey ({ key, kind }: Limited): string {
  return kind === 'system' ? kind : `${kind}:${key}`
}

/**
 * What a scope holds of a field of its limit
 */
export function heldBy (scope: AggregateScope, field: number): number {
  switch (LIMIT_FIELDS[field]) {
    case 'streams':
      return scope.streamsInbound + scope.streamsOutbound
    case 'conns':
      return scope.connsInbound + scope.connsOutbound
    case 'memory':
      return scope.reserved
    default:
      return scope[LIMIT_FIELDS[field] as 'fd']
  }
}
