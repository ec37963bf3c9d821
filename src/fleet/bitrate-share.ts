import { ByteBudget } from '../sessions/byte-budget.ts'
import type { ShareRequest } from './rates-protocol.ts'

/**
 * How much more than it uses a node asks for: half as much again, so that it can grow, and at
 * least a sixteenth of the limit divided by the nodes, so that it can begin
 */
const GROWTH = 1.5
const BASE = 1 / 16

export interface BitrateShareInit {
  /** Its name in the fleet, such as `system rx` */
  name: string

  /** Of the whole fleet, in bit/s: Infinity means no limit */
  limit: number

  /** What it may be without having asked, in bit/s */
  without(limit: number): number

  /** What is used without a budget, in bit/s */
  measure?(): number

  /** In ms, and never goes back */
  now(): number
}

/**
 * The part of a bit rate of the fleet that a node may use, in one direction
 */
export class BitrateShare {
  readonly name: string
  readonly budget: ByteBudget
  readonly #init: BitrateShareInit
  #limit: number

  /** What it is now, in bit/s, and until when the engine knows of it */
  #bitrate: number
  #validUntil = -Infinity
  #told = false

  // since it was asked for last
  #spent = 0
  #askedAt: number

  /** What was used before that, in bit/s */
  #used = 0

  /** There was more to transfer than it may, and what came of asking for more */
  #short = false
  #grew = true

  constructor (init: BitrateShareInit) {
    const { limit, name, now, without } = init

    this.name = name
    this.#init = init
    this.#limit = limit
    this.#bitrate = limit === Infinity ? Infinity : without(limit)
    this.#askedAt = now()
    this.budget = new ByteBudget(this.#bitrate, now)
  }

  get bitrate (): number {
    return this.#bitrate
  }

  get limit (): number {
    return this.#limit
  }

  /** What was used lately, in bit/s */
  get used (): number {
    return this.#used
  }

  /** Whether there is anything to ask for */
  get limited (): boolean {
    return this.#limit !== Infinity
  }

  set limit (limit: number) {
    if (limit !== this.#limit) {
      this.#limit = limit
      this.#validUntil = -Infinity
      this.#apply(limit === Infinity ? Infinity : Math.min(this.#init.without(limit), limit))
    }
  }

  /**
   * Something was not transferred, or refused, because of it
   */
  wasShort (): void {
    this.#short = true
  }

  /** Whether more is needed than there is, and may be had */
  get urgent (): boolean {
    return this.limited && this.#grew && (this.#short || this.budget.short)
  }

  /** Whether nothing has happened since it was asked for last */
  get idle (): boolean {
    return !this.#short && !this.budget.short && this.budget.spent === this.#spent
  }

  /**
   * What the engine has to forget, if it knows of it
   */
  forget (): string[] {
    const told = this.#told

    this.#told = false
    this.#validUntil = -Infinity
    this.limited && this.#apply(this.#init.without(this.#limit))

    return told ? [this.name] : []
  }

  /**
   * What to ask for. The node has stopped using what it does not need when this returns.
   */
  request (nodes: number): ShareRequest {
    const { measure, now } = this.#init
    const at = now()
    const { short, spent } = this.budget
    const used = this.#used = measure?.() ?? (spent - this.#spent) * 8_000 / Math.max(1, at - this.#askedAt)
    const wants = this.#short || short ? this.#limit : Math.max(GROWTH * used, this.#limit * BASE / nodes)
    const demand = Math.ceil(Math.min(this.#limit, wants))

    // what has not ended by then is used until there is an answer
    this.expire(at)
    this.#apply(this.#told ? Math.min(this.#bitrate, demand) : this.#bitrate)
    this.#spent = spent
    this.#askedAt = at
    this.#short = false

    return [this.name, this.#limit, Math.floor(Math.min(this.#limit, this.#bitrate)), demand]
  }

  granted (request: ShareRequest, bitrate: number, validUntil: number): void {
    if (request[1] !== this.#limit) {
      return
    }

    this.#told = true
    this.#validUntil = validUntil
    // where others have to go down first, it is soon more
    this.#grew = bitrate !== request[2]
    this.#apply(Math.min(bitrate, this.#limit))
  }

  /**
   * What was granted may have ended
   */
  expire (now: number): void {
    if (this.limited && now >= this.#validUntil) {
      this.#told = false
      this.#apply(this.#init.without(this.#limit))
    }
  }

  #apply (bitrate: number): void {
    if (bitrate !== this.#bitrate) {
      this.#bitrate = bitrate
      this.budget.setBitrate(bitrate)
    }
  }
}
