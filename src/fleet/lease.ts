import type { FieldLimits } from './fleet-limits.ts'
import type { FieldRequest } from './protocol.ts'
import type { WithoutLease } from './without-lease.ts'

/**
 * The share of the spare room (leased beyond what is held) that is used before the node asks
 * for more
 */
const VISIBLE = 3 / 4

/**
 * A spare room this small is used up before the node asks
 */
const LEAST_RESERVE = 4

/**
 * The part of `ttl` after which spare room that was not needed is halved, however often the node
 * asks meanwhile: the time between two scans, less what timers may be early
 */
const HALVING = 0.9 / 4

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
   * From now on the node may hold this much, or less if its own limit is lower
   */
  setRoom(field: number, room: number): void

  /**
   * The fleet has more than it may: the newest end
   *
   * @param field
   * @param to - how much may stay
   */
  giveWay(field: number, to: number): void
}

/**
 * One field of a limit, such as its connections
 */
export interface FieldLease {
  readonly field: number
  readonly limit: number

  /** What the node may use: what it has leased, or what it may have without a lease */
  room: number

  /** What of it is used before more is asked for */
  visible: number
  headroom: number

  /** When it was doubled or halved last */
  headroomAt: number

  /** What others could have, as far as it is known */
  free: number

  /** What they held when the fleet was asked last, and when that was, if it was */
  others?: number
  at?: number

  /** What was held when it was asked for last */
  asked: number

  /** Something did not fit */
  short: boolean
}

export interface Lease {
  readonly scope: LeasedScope
  readonly fields: FieldLease[]

  /** Whether the engine knows of it */
  told: boolean

  /** Whether the engine may know of it: it was asked for, and the answer may be lost */
  asked: boolean
}

/**
 * What a node has not asked for yet
 *
 * @param scope
 * @param limits - of the fleet
 * @param rules
 */
export function newLease (scope: LeasedScope, limits: FieldLimits, rules: WithoutLease): Lease {
  return {
    scope,
    told: false,
    asked: false,
    fields: limits.map(([field, limit]) => {
      return { field, limit, room: 0, visible: 0, headroom: baseOf(scope, limit, rules), headroomAt: -Infinity, free: Infinity, asked: -1, short: false }
    })
  }
}

/**
 * The smallest spare room, if it can be had: with more nodes, each has less
 */
function baseOf ({ ahead }: LeasedScope, limit: number, rules: WithoutLease): number {
  return ahead ? Math.ceil(limit / (4 * Math.max(1, rules.nodes))) : Math.max(1, rules.allowanceOf(limit))
}

/**
 * Whether there is something to ask for although nothing was refused: more or less is held than
 * was said last, or less than was leased ahead may be enough
 */
export function hasChanged ({ fields, scope }: Lease): boolean {
  return scope.ahead || fields.some(({ asked, field, room }) => asked !== scope.held(field) || asked > room)
}

/**
 * What to ask the engine for. The node has stopped using what it gives back when this returns.
 *
 * @param lease
 * @param field
 * @param rules
 * @param now - in ms
 * @param ttl - how long leases last, in ms
 */
export function askFor (lease: Lease, field: FieldLease, rules: WithoutLease, now: number, ttl: number): FieldRequest {
  const held = lease.scope.held(field.field)
  const spare = field.free === Infinity ? Infinity : Math.floor((field.free + Math.max(0, field.room - held)) / 2)
  // nodes that need more at the same time would take it from each other
  const most = Math.ceil(field.limit / Math.max(2, rules.nodes / 2))
  const base = baseOf(lease.scope, field.limit, rules)

  field.headroom = Math.min(most, Math.max(base, headroomOf(field, now, ttl)))
  // what others need is not kept for oneself
  const headroom = Math.min(field.headroom, Math.max(field.short ? 1 : 0, spare))
  // the share of each node adds up to the limit, so all of them may go on with it
  const share = !lease.told && rules.sharing ? field.room : 0
  const want = Math.min(field.limit, Math.max(held + headroom, share))
  const claimed = lease.told ? Math.min(field.room, Math.max(want, held)) : share

  field.short = false
  field.asked = held

  if (lease.told) {
    setRoom(lease, field, claimed)
  }

  return [field.field, field.limit, Math.max(claimed, held), held, want]
}

/**
 * More after something did not fit, and otherwise less
 */
function headroomOf (field: FieldLease, now: number, ttl: number): number {
  if (!field.short && now - field.headroomAt < HALVING * ttl) {
    return field.headroom
  }

  field.headroomAt = now

  return field.short ? 2 * field.headroom : Math.ceil(field.headroom / 2)
}

/**
 * The engine has answered
 *
 * @param lease
 * @param field
 * @param room - what the node may have
 * @param free - what others could have
 * @param others - what they hold
 * @param at - when it was asked
 */
export function grant (lease: Lease, field: FieldLease, room: number, free: number, others: number, at: number): void {
  const held = lease.scope.held(field.field)

  field.free = free
  field.others = others
  field.at = at
  field.room = room

  const beyond = room - held

  showRoom(lease, field, beyond < LEAST_RESERVE ? room : held + Math.ceil(beyond * VISIBLE))

  // what others have leased and do not hold they give back
  const tooMuch = Math.min(held - room, others + held - field.limit)

  if (tooMuch > 0) {
    lease.scope.giveWay(field.field, held - tooMuch)
  }
}

export function setRoom (lease: Lease, field: FieldLease, room: number): void {
  field.room = room
  const hides = room - field.visible >= LEAST_RESERVE && lease.told

  showRoom(lease, field, hides ? field.visible : room)
}

export function showRoom (lease: Lease, field: FieldLease, visible: number): void {
  field.visible = visible
  lease.scope.setRoom(field.field, visible)
}
