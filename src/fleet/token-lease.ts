import type { TokenRequest } from './rates-protocol.ts'
import type { TokenRate } from '../admission/token-rate.ts'
import type { IPNetwork } from '../util/ip-network.ts'

/**
 * The part of its tokens that a node has left when it asks for more
 */
const LOW = 1 / 4

/**
 * The part of a burst that all nodes together have ready before anybody comes
 */
const AHEAD = 1 / 4

/**
 * How long who was refused has time to come again before nothing is kept ready any more, in ms
 */
const PATIENCE = 1_000

/**
 * How soon is asked again where nobody may have more for a moment, in ms
 */
const RETRY = 250

export interface TokenLeaseInit {
  /** What it is for, such as `global` or `subnet:192.0.2.0/24` */
  name: string
  rate: TokenRate

  /** Where it is of a subnet */
  subnet?: IPNetwork

  /** Whether tokens are ready before anybody comes */
  isAhead: boolean

  /** How many it may use that it does not have, until the bucket is full again */
  allowance: number

  /** The bucket is full, and the node wants nothing of it */
  forget?(): void
}

/**
 * The tokens that a node has of a bucket of the fleet: those that it has leased, and those that
 * it uses without, which it owes. All times are of one clock of the node, in ms.
 */
export class TokenLease {
  readonly name: string

  /** Its name in the engine. One of another rate is another one. */
  readonly bucket: string
  readonly rate: TokenRate
  readonly subnet?: IPNetwork
  readonly #isAhead: boolean
  readonly #allowance: number

  /** What the engine has granted, what is left of it, and when that ends */
  #granted = 0
  #tokens = 0
  #ends = -Infinity

  /** How many it wants to have */
  #batch = 0

  // since the last request
  #used = 0
  #refused = 0

  /** What was used until the last request: it never gets less, whatever is given back */
  #accepted = 0

  /** What it owes: all since the bucket was full, what the engine was not told yet, what it may have been told, and by which call */
  #owed = 0
  #debt = 0
  #told = 0
  #since = 0

  /** What was missing when the engine answered */
  #missing = 0
  #answeredAt = -Infinity

  /** There is nothing to be had before */
  #retryAt = -Infinity

  /** When somebody came last */
  #activeAt = -Infinity
  readonly forget?: () => void

  constructor ({ allowance, forget, isAhead, name, rate, subnet }: TokenLeaseInit) {
    this.name = name
    this.bucket = `${name} ${rate.burst}/${rate.interval}`
    this.rate = rate
    this.subnet = subnet
    this.forget = forget
    this.#isAhead = isAhead
    this.#allowance = allowance
  }

  /**
   * Whether there is a token
   */
  check (now: number): boolean {
    return (this.#tokens > 0 && now < this.#ends) || this.#owed < this.#allowance
  }

  /**
   * Takes the token that `check` has just found
   */
  commit (now: number): void {
    if (this.#tokens > 0 && now < this.#ends) {
      this.#tokens--
    } else {
      this.#owed++
      this.#debt++
    }

    this.#used++
    this.#activeAt = now
  }

  /**
   * There was none
   */
  refused (now: number): void {
    this.#refused++
    this.#activeAt = now
  }

  /**
   * Puts one back that was taken a short time ago, if nobody was told of it
   */
  giveBack (now: number): void {
    if (this.#debt > 0) {
      this.#debt--
      this.#owed--
      this.#unuse()
    } else if (this.#tokens < this.#granted && now < this.#ends) {
      this.#tokens++
      this.#unuse()
    }
  }

  /**
   * It may have been asked for more since
   */
  #unuse (): void {
    this.#used = Math.max(0, this.#used - 1)
  }

  /**
   * How many tokens were missing at least, for a refusal
   */
  missing (now: number): number {
    return Math.max(0, this.#missing - Math.max(0, now - this.#answeredAt) / this.rate.interval)
  }

  /**
   * When it has to be asked for at the latest
   */
  dueAt (now: number): number {
    if (this.#refused > 0) {
      return this.#retryAt
    }

    // tokens that end have to be renewed, and those that are used up to be there again
    const left = now < this.#ends ? this.#tokens : 0

    return this.#wants && left <= this.#batch * LOW ? this.#retryAt : Infinity
  }

  /**
   * Whether there is something to tell or to ask
   */
  isDue (now: number): boolean {
    return this.#debt + this.#told > 0 || this.#refused > 0 || this.#used > 0 || this.#tokens > 0 || this.#isAhead || this.missing(now) === 0
  }

  /**
   * What to tell and ask. What is given back is not used any more when this returns.
   *
   * @param seq - of the call
   * @param now
   * @param nodes - how many there are
   */
  request (seq: number, now: number, nodes: number): TokenRequest {
    if (now >= this.#ends) {
      this.#tokens = 0
    }

    // what was wanted of it is refilled: it is given up, and full if nobody else takes anything
    const idle = !this.#isAhead && now > this.#activeAt + PATIENCE && this.missing(now) <= this.#tokens
    const least = this.#isAhead ? Math.ceil(this.rate.burst * AHEAD / nodes) : 1
    const used = this.#isAhead ? 2 * this.#used : this.#used
    const needed = this.#refused > 0 ? Math.max(2 * this.#batch, this.#used + this.#refused) : used

    this.#batch = Math.min(this.rate.burst, this.#wants && !idle ? Math.max(least, needed, Math.floor(this.#batch / 2)) : 0)
    this.#accepted += this.#used
    this.#used = 0
    this.#refused = 0

    const kept = Math.min(this.#tokens, this.#batch)
    const back = this.#tokens - kept

    this.#tokens = kept

    if (this.#told === 0) {
      this.#told = this.#debt
      this.#since = seq
      this.#debt = 0
    }

    return [this.bucket, this.rate.interval, this.rate.burst, this.missing(now), kept, back, this.#batch, this.#told, this.#since]
  }

  /**
   * The engine has answered the last request
   *
   * @param request
   * @param granted
   * @param missing
   * @param ends - until when what was granted may be used
   * @param now
   * @returns Whether the bucket is full and the node wants nothing of it, so that it can be forgotten
   */
  answered (request: TokenRequest, granted: number, missing: number, ends: number, now: number): boolean {
    const [,, burst,, kept,, want] = request
    const usedMeanwhile = kept - this.#tokens

    this.#granted = granted
    this.#tokens = Math.max(0, granted - usedMeanwhile)
    this.#ends = ends
    this.#told = 0
    this.#missing = missing
    this.#answeredAt = now
    this.#retryAt = granted < want ? now + Math.max(missing - burst + 1 > 0 ? 0 : RETRY, (missing - burst + 1) * this.rate.interval) : -Infinity

    return missing === 0 && !this.#isAhead && granted === 0 && this.#debt + this.#used + this.#refused === 0
  }

  /**
   * Goes on with the tokens of another one of the same rate
   */
  inherit (before: TokenLease): void {
    this.#granted = before.#granted
    this.#tokens = before.#tokens
    this.#ends = before.#ends
    this.#batch = before.#batch
    this.#owed = before.#owed
    this.#debt = before.#debt
    this.#told = before.#told
    this.#since = before.#since
    this.#missing = before.#missing
    this.#answeredAt = before.#answeredAt
    this.#activeAt = before.#activeAt
    this.#accepted = before.#accepted + before.#used
  }

  get held (): { tokens: number, missing: number, accepted: number } {
    return { tokens: this.#tokens, missing: this.#missing, accepted: this.#accepted }
  }

  get isAhead (): boolean {
    return this.#isAhead
  }

  /**
   * Whether it has to have tokens: those that are leased ahead, and those of which the allowance is used up
   */
  get #wants (): boolean {
    return this.#isAhead || this.#owed >= this.#allowance
  }
}
