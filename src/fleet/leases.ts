import { amountOf, listOf } from './engine.ts'
import { askFor, grant, hasChanged, newLease, setRoom, showRoom } from './lease.ts'
import { WithoutLease } from './without-lease.ts'
import type { FieldLimits } from './fleet-limits.ts'
import type { FieldLease, Lease, LeasedScope } from './lease.ts'
import type { ScopeRequest, SyncAnswer } from './protocol.ts'
import type { OnLoss } from './without-lease.ts'
import type { Slice } from '../util/slices.ts'

/**
 * How many scopes one call is about
 */
export const MAX_SCOPES = 256

export interface LeaseRequest {
  gone: string[]
  scopes: ScopeRequest[]
}

/**
 * A lease, for people
 */
export interface LeaseEntry {
  readonly key: string
  readonly ahead: boolean
  readonly fields: ReadonlyArray<{ field: number, limit: number, leased: number, held: number }>
}

/**
 * What a node has leased, wants and gives back. It knows neither the graph nor the engine.
 */
export class Leases {
  readonly #leases = new Map<string, Lease>()

  /** The leases that the next calls are about, in this order: remotes cannot keep some in front */
  readonly #due = new Set<Lease>()

  /** Leases that the engine may know of and that the node does not need any more. Without the engine there are few. */
  readonly #gone = new Map<string, Lease>()
  readonly #rules: WithoutLease

  /**
   * @param allowance - the part of a limit that a node may use of what it has not leased, of
   * scopes that are not leased ahead
   * @param onLoss
   * @param nodes - how many there are, if that is known before the engine was reached
   */
  constructor (allowance: number, onLoss: OnLoss, nodes = 0) {
    this.#rules = new WithoutLease(allowance, onLoss, nodes)
  }

  get size (): number {
    return this.#leases.size
  }

  /**
   * Whether there is no lease that counts
   */
  get lost (): boolean {
    return this.#rules.lost
  }

  /**
   * How many nodes there were last: 0 if that is not known
   */
  get nodes (): number {
    return this.#rules.nodes
  }

  has (key: string): boolean {
    return this.#leases.has(key)
  }

  /**
   * What a node may hold of a field without a lease
   */
  allowanceOf (limit: number): number {
    return this.#rules.allowanceOf(limit)
  }

  /**
   * From now on the node leases room for something
   */
  add (scope: LeasedScope, limits: FieldLimits): void {
    const lease = newLease(scope, limits, this.#rules)
    const before = this.#gone.get(scope.key)

    this.#gone.delete(scope.key)
    this.#leases.set(scope.key, lease)
    this.#due.add(lease)
    this.#unlease(lease)

    if (before !== undefined) {
      // it may not have been told yet that this was gone
      lease.asked = true
      before.told && this.#inherit(lease, before)
    }
  }

  /**
   * The node needs no room for something any more
   */
  remove (scope: LeasedScope): void {
    const lease = this.#leases.get(scope.key)

    // there may be another one of this name by now
    if (lease?.scope === scope) {
      this.#leases.delete(scope.key)
      this.#due.delete(lease)

      if (lease.asked && (!this.lost || this.#gone.size < MAX_SCOPES)) {
        this.#gone.set(scope.key, lease)
      }
    }
  }

  /**
   * What a node knows of a field, if there is a lease
   */
  of (key: string, field: number): FieldLease | undefined {
    return this.#leases.get(key)?.fields.find(candidate => candidate.field === field)
  }

  /**
   * Something does not fit
   *
   * @returns Whether it may fit now
   */
  short (key: string, field: number): boolean {
    const lease = this.#leases.get(key)
    const found = lease?.fields.find(candidate => candidate.field === field)

    if (lease === undefined || found === undefined) {
      return false
    }

    found.short = true
    this.#due.add(lease)

    if (found.visible >= found.room) {
      return false
    }

    showRoom(lease, found, found.room)

    return true
  }

  /**
   * Whether something is still to be asked for
   */
  get due (): boolean {
    return this.#due.size > 0
  }

  /**
   * Finds out what has to be asked for although nothing was refused
   */
  * scan (slice: Slice): Generator<undefined, void, undefined> {
    for (const lease of this.#leases.values()) {
      hasChanged(lease) && this.#due.add(lease)

      if (slice.over) {
        yield
      }
    }
  }

  /**
   * What to tell and ask the engine. The node has stopped using what it gives back when this
   * returns.
   *
   * @param now - in ms
   * @param ttl - how long leases last, in ms
   */
  request (now: number, ttl: number): LeaseRequest {
    const scopes: ScopeRequest[] = []

    for (const lease of this.#due) {
      if (scopes.length === MAX_SCOPES) {
        break
      }

      this.#due.delete(lease)
      lease.asked = true
      scopes.push([lease.scope.key, lease.fields.map(field => askFor(lease, field, this.#rules, now, ttl))])
    }

    const gone = [...this.#gone].slice(0, MAX_SCOPES)

    // from now on the engine may know nothing of it
    gone.forEach(([, lease]) => { lease.told = false })

    return { gone: gone.map(([key]) => key), scopes }
  }

  /**
   * The engine has answered the last request
   *
   * @param request
   * @param answer
   * @param at - when it was asked
   */
  answered (request: LeaseRequest, answer: SyncAnswer, at: number = 0): void {
    const { gone, scopes } = request
    const { free, grants, nodes = 1, others } = answer

    this.#rules.nodes = Number.isSafeInteger(nodes) && nodes > 0 ? nodes : 1
    gone.forEach(key => { this.#gone.delete(key) })

    if (this.#rules.lost) {
      this.#rules.lost = false

      // what nobody was asked about yet
      for (const lease of this.#leases.values()) {
        lease.told || this.#unlease(lease)
      }
    }

    scopes.forEach(([key, fields], i) => {
      const lease = this.#leases.get(key)

      if (lease !== undefined) {
        lease.told = true
        fields.forEach(([index], j) => {
          const field = lease.fields.find(candidate => candidate.field === index)
          const granted = amountAt(grants, i, j)

          if (field !== undefined) {
            grant(lease, field, Math.max(0, granted), amountAt(free, i, j), amountAt(others, i, j), at)
          }
        })
      }
    })
  }

  /**
   * Everything has to be asked for again: the node holds what it holds, whatever it has asked
   * for
   */
  askAgain (): void {
    for (const lease of this.#leases.values()) {
      this.#due.add(lease)
    }
  }

  /**
   * The leases have ended
   */
  lose (): void {
    this.#rules.lost = true

    for (const lease of this.#leases.values()) {
      lease.told = false
      this.#due.add(lease)
      this.#unlease(lease)
    }

    // who does not hear the engine may still be heard
    for (const [i, [key, lease]] of [...this.#gone].entries()) {
      lease.told = false
      i >= MAX_SCOPES && this.#gone.delete(key)
    }
  }

  /**
   * What there is, in the order in which it was added
   */
  * entries (): Generator<LeaseEntry> {
    for (const { fields, scope } of this.#leases.values()) {
      yield {
        key: scope.key,
        ahead: scope.ahead,
        fields: fields.map(({ field, limit, room }) => ({ field, limit, leased: room, held: scope.held(field) }))
      }
    }
  }

  /**
   * The limit has changed. What the node has leased is still leased.
   */
  #inherit (lease: Lease, before: Lease): void {
    lease.told = true

    for (const field of lease.fields) {
      const had = before.fields.find(other => other.field === field.field)

      field.room = had?.room ?? 0
      showRoom(lease, field, had?.visible ?? 0)
    }
  }

  /**
   * What a node may have that the engine knows nothing of
   */
  #unlease (lease: Lease): void {
    for (const field of lease.fields) {
      setRoom(lease, field, this.#rules.roomOf(field.limit, lease.scope.ahead))
    }
  }
}

/**
 * What somebody else has sent
 */
function amountAt (amounts: number[][] | undefined, i: number, j: number): number {
  return amountOf(listOf<number>(listOf<number[]>(amounts)[i])[j])
}
