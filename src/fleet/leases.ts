import { listOf } from './engine.ts'
import type { FieldLimits } from './fleet-limits.ts'
import type { FieldRequest, ScopeRequest, SyncAnswer } from './protocol.ts'

/**
 * What a node does when its leases have ended and the engine does not answer:
 *
 * - `'share'`: each node may have the limit divided by the number of nodes that there were last.
 * For most: nothing is ever far above the limits, and everybody is served.
 * - `'refuse'`: nobody new. For limits that must not be exceeded whatever happens.
 * - `'local'`: what the limits of the node itself say. For those who would rather have too much
 * than turn anybody away.
 */
export type OnLoss = 'share' | 'refuse' | 'local'

/**
 * How many scopes one call is about
 */
export const MAX_SCOPES = 256

/**
 * The part of what is leased beyond what is held that can be used before more is asked for
 */
const VISIBLE = 3 / 4

/**
 * What little is leased beyond what is held is used without asking earlier
 */
const LEAST_RESERVE = 4

/**
 * Something on this node that a limit of the fleet is for
 */
export interface LeasedScope {
  /** Its name in the fleet */
  readonly key: string

  /** Whether room is leased before anything needs it */
  readonly ahead: boolean

  held(field: number): number

  /**
   * From now on the node may hold this much, or less where its own limit says so
   */
  setRoom(field: number, room: number): void

  /**
   * There is more than the fleet may have: the newest end
   *
   * @param field
   * @param to - how much may stay
   */
  giveWay(field: number, to: number): void
}

interface FieldLease {
  readonly field: number
  readonly limit: number

  /** The least that is leased beyond what is held, if it can be had */
  readonly base: number

  /** What the node may use: what it has leased, or what it may have without a lease */
  room: number

  /** What of it is used before more is asked for */
  visible: number
  headroom: number

  /** What others could have, as far as it is known */
  free: number

  /** What was held when it was asked for last */
  asked: number

  /** Something did not fit */
  short: boolean
}

interface Lease {
  readonly scope: LeasedScope
  readonly fields: FieldLease[]

  /** Whether the engine knows of it */
  told: boolean

  /** Whether it has to be asked for in any case */
  due: boolean
}

export interface LeaseRequest {
  gone: string[]
  scopes: ScopeRequest[]
}

/**
 * What a node has leased, wants and gives back. It knows neither the graph nor the engine.
 */
export class Leases {
  readonly #leases = new Map<string, Lease>()

  /** Those that the engine knows of and the node needs no more, as they were */
  readonly #gone = new Map<string, Lease>()
  readonly #allowance: number
  readonly #onLoss: OnLoss

  /** How many nodes there were last: 0 if that is not known */
  nodes: number
  #lost = true

  /**
   * @param allowance - the part of a limit that a node may use of what it has not leased, of
   * scopes that are not leased ahead
   * @param onLoss
   * @param nodes - how many there are, if that is known before the engine was reached
   */
  constructor (allowance: number, onLoss: OnLoss, nodes = 0) {
    this.#allowance = allowance
    this.#onLoss = onLoss
    this.nodes = nodes
  }

  get size (): number {
    return this.#leases.size
  }

  /**
   * Whether there is no lease that counts
   */
  get lost (): boolean {
    return this.#lost
  }

  has (key: string): boolean {
    return this.#leases.has(key)
  }

  /**
   * What a node may hold of a field without a lease
   */
  allowanceOf (limit: number): number {
    return Math.min(limit, Math.ceil(limit * this.#allowance))
  }

  /**
   * From now on the node leases room for something
   */
  add (scope: LeasedScope, limits: FieldLimits): void {
    const lease: Lease = {
      scope,
      told: false,
      due: true,
      fields: limits.map(([field, limit]) => {
        const base = scope.ahead ? Math.ceil(limit / (4 * Math.max(1, this.nodes))) : Math.max(1, this.allowanceOf(limit))

        return { field, limit, base, room: 0, visible: 0, headroom: base, free: Infinity, asked: -1, short: false }
      })
    }

    const before = this.#gone.get(scope.key)

    this.#gone.delete(scope.key)
    this.#leases.set(scope.key, lease)
    this.#unlease(lease)

    if (before?.told === true) {
      this.#inherit(lease, before)
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
      lease.told && this.#gone.set(scope.key, lease)
    }
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
    lease.due = true

    if (found.visible >= found.room) {
      return false
    }

    this.#show(lease, found, found.room)

    return true
  }

  /**
   * Whether there is something to ask for at once
   */
  get urgent (): boolean {
    for (const { due, scope, fields } of this.#leases.values()) {
      if (due || (!scope.ahead && fields.some(({ asked, field }) => asked !== scope.held(field)))) {
        return true
      }
    }

    return false
  }

  /**
   * What to tell and ask the engine. What is given back is not used any more when this returns.
   */
  request (): LeaseRequest {
    const scopes: ScopeRequest[] = []

    for (const lease of this.#leases.values()) {
      if (scopes.length === MAX_SCOPES) {
        break
      }

      if (lease.scope.ahead || lease.due || lease.fields.some(({ asked, field, room }) => asked !== lease.scope.held(field) || asked > room)) {
        lease.due = false
        scopes.push([lease.scope.key, lease.fields.map(field => this.#ask(lease, field))])
      }
    }

    // the next call begins with the others, or remotes could keep these in front
    for (const [key] of scopes) {
      const lease = this.#leases.get(key) as Lease

      this.#leases.delete(key)
      this.#leases.set(key, lease)
    }

    const gone = [...this.#gone].slice(0, MAX_SCOPES)

    // from now on the engine may know nothing of it
    gone.forEach(([, lease]) => { lease.told = false })

    return { gone: gone.map(([key]) => key), scopes }
  }

  /**
   * The engine has answered the last request
   */
  answered ({ gone, scopes }: LeaseRequest, { free, grants, nodes = 1, others }: SyncAnswer): void {
    this.nodes = Number.isSafeInteger(nodes) && nodes > 0 ? nodes : 1
    gone.forEach(key => { this.#gone.delete(key) })

    if (this.#lost) {
      this.#lost = false

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
            this.#grant(lease, field, Math.max(0, granted), amountAt(free, i, j), amountAt(others, i, j))
          }
        })
      }
    })
  }

  /**
   * Everything is to be asked for again, as the node has what it has whatever was asked
   */
  askAgain (): void {
    for (const lease of this.#leases.values()) {
      lease.due = true
    }
  }

  /**
   * The leases have ended
   */
  lose (): void {
    this.#lost = true

    for (const lease of this.#leases.values()) {
      lease.told = false
      lease.due = true
      this.#unlease(lease)
    }

    this.#gone.clear()
  }

  * entries (): Generator<{ key: string, fields: Array<{ field: number, limit: number, leased: number, held: number }> }> {
    for (const { fields, scope } of this.#leases.values()) {
      yield { key: scope.key, fields: fields.map(({ field, limit, room }) => ({ field, limit, leased: room, held: scope.held(field) })) }
    }
  }

  /**
   * The limit is another one, and what the node has leased is still leased
   */
  #inherit (lease: Lease, before: Lease): void {
    lease.told = true

    for (const field of lease.fields) {
      const had = before.fields.find(other => other.field === field.field)

      this.#setRoom(lease, field, had?.room ?? 0)
    }
  }

  #ask (lease: Lease, field: FieldLease): FieldRequest {
    const held = lease.scope.held(field.field)
    const spare = field.free === Infinity ? Infinity : Math.floor((field.free + Math.max(0, field.room - held)) / 2)
    const most = Math.ceil(field.limit / 2)

    field.headroom = field.short ? Math.min(Math.max(2 * field.headroom, field.base), most) : Math.max(field.base, Math.ceil(field.headroom / 2))
    // what others need is not kept for oneself
    const headroom = Math.min(field.headroom, Math.max(field.short ? 1 : 0, spare))
    // the share of each node adds up to the limit, so all of them may go on with it
    const share = !lease.told && this.#lost && this.#onLoss === 'share' ? field.room : 0
    const want = Math.min(field.limit, Math.max(held + headroom, share))
    const claimed = lease.told ? Math.min(field.room, Math.max(want, held)) : share

    field.short = false
    field.asked = held

    if (lease.told) {
      this.#setRoom(lease, field, claimed)
    }

    return [field.field, field.limit, Math.max(claimed, held), held, want]
  }

  #grant (lease: Lease, field: FieldLease, room: number, free: number, others: number): void {
    const held = lease.scope.held(field.field)

    field.free = free
    field.room = room

    const beyond = room - held

    this.#show(lease, field, beyond < LEAST_RESERVE ? room : held + Math.ceil(beyond * VISIBLE))

    // what others have leased and do not hold they give back
    const tooMuch = Math.min(held - room, others + held - field.limit)

    if (tooMuch > 0) {
      lease.scope.giveWay(field.field, held - tooMuch)
    }
  }

  /**
   * What a node may have that the engine knows nothing of
   */
  #unlease (lease: Lease): void {
    for (const field of lease.fields) {
      this.#setRoom(lease, field, this.#lost ? this.#unleasedRoom(lease, field) : this.#allowed(lease, field))
    }
  }

  #allowed (lease: Lease, { limit }: FieldLease): number {
    return lease.scope.ahead ? 0 : this.allowanceOf(limit)
  }

  #unleasedRoom (lease: Lease, field: FieldLease): number {
    if (this.#onLoss === 'local') {
      return Infinity
    }

    const share = this.#onLoss === 'share' && this.nodes > 0 ? Math.floor(field.limit / this.nodes) : 0

    return this.#onLoss === 'share' ? Math.max(share, this.#allowed(lease, field)) : share
  }

  #setRoom (lease: Lease, field: FieldLease, room: number): void {
    field.room = room
    const hides = room - field.visible >= LEAST_RESERVE && lease.told

    this.#show(lease, field, hides ? field.visible : room)
  }

  #show (lease: Lease, field: FieldLease, visible: number): void {
    field.visible = visible
    lease.scope.setRoom(field.field, visible)
  }
}

/**
 * What somebody else has sent
 */
function amountAt (amounts: number[][] | undefined, i: number, j: number): number {
  const amount = listOf<number>(listOf<number[]>(amounts)[i])[j]

  return Number.isFinite(amount) && amount > 0 ? amount : 0
}
