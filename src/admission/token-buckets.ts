import { SWEEP_ON_INSERT } from '../util/sweeper.ts'
import type { ResolvedSubnetRate } from './rate-limits.ts'
import type { TokenRate } from './token-rate.ts'
import type { IPAddress } from '../util/ip-address.ts'
import type { SubnetTable } from '../util/subnet-table.ts'
import type { Sweepable } from '../util/sweeper.ts'

/**
 * One token bucket. As with all buckets here, `check` decides and `commit` takes
 * the token, so that several buckets can be asked before one of them is changed.
 */
export class TokenBucket {
  readonly rate: TokenRate
  #fullAt = 0
  #next = 0

  constructor (rate: TokenRate) {
    this.rate = rate
  }

  check (now: number): boolean {
    this.#next = this.rate.take(this.#fullAt, now)

    return this.#next !== 0
  }

  /**
   * Takes the token that `check` has just found
   */
  commit (): void {
    this.#fullAt = this.#next
  }

  giveBack (): void {
    this.#fullAt = this.rate.giveBack(this.#fullAt)
  }

  /**
   * How many tokens were missing when `check` found none
   */
  missing (now: number): number {
    return this.rate.missing(this.#fullAt, now)
  }
}

/**
 * A token bucket for each subnet of one size. Only buckets that are not full are kept, in a
 * bounded number: when it is reached, all subnets without a bucket share one.
 */
export class SubnetBuckets implements Sweepable {
  readonly rate: TokenRate
  readonly isDefault: boolean

  /**
   * How many subnets are tracked
   */
  readonly max: number

  /**
   * By subnet, the time at which the bucket is full. The table may also have the counts of
   * others.
   */
  readonly table: SubnetTable
  #sharedFullAt = 0

  // what `check` has found
  #position = 0
  #shared = false
  #fullAt = 0
  #next = 0

  constructor (rate: TokenRate, isDefault: boolean, max: number, table: SubnetTable) {
    this.rate = rate
    this.isDefault = isDefault
    this.max = max
    this.table = table
  }

  get prefixLength (): number {
    return this.table.prefixLength
  }

  get size (): number {
    return this.table.valued
  }

  /**
   * Whether these are the buckets that a limit asks for
   */
  isFor (limit: ResolvedSubnetRate, max: number): boolean {
    return this.prefixLength === limit.prefixLength && limit.rate?.equals(this.rate) === true && this.isDefault === limit.isDefault && this.max === max
  }

  check (ip: IPAddress, now: number): boolean {
    const { table } = this

    this.#position = table.find(ip)
    this.#fullAt = table.valueAt(this.#position)
    this.#shared = false

    if (this.#fullAt === 0 && table.valued >= this.max) {
      this.sweep(now, SWEEP_ON_INSERT)
      this.#position = table.find(ip)
      this.#shared = table.valued >= this.max
      this.#fullAt = this.#shared ? this.#sharedFullAt : 0
    }

    this.#next = this.rate.take(this.#fullAt, now)

    return this.#next !== 0
  }

  /**
   * Takes the token that `check` has just found for the same address
   */
  commit (ip: IPAddress, now: number): void {
    if (this.#shared) {
      this.#sharedFullAt = this.#next
      return
    }

    this.table.put(this.#position, ip, this.#next)

    if (this.#fullAt === 0) {
      this.sweep(now, SWEEP_ON_INSERT)
    }
  }

  /**
   * Puts a token back that was taken for an address a short time ago
   */
  giveBack (ip: IPAddress): void {
    const { table } = this
    const position = table.find(ip)
    const fullAt = table.valueAt(position)

    if (fullAt !== 0) {
      table.put(position, ip, this.rate.giveBack(fullAt))
    } else if (table.valued >= this.max) {
      this.#sharedFullAt = this.rate.giveBack(this.#sharedFullAt)
    }
  }

  missing (now: number): number {
    return this.rate.missing(this.#fullAt, now)
  }

  restart (): void {
    this.table.restart()
  }

  sweep (now: number, budget: number): number {
    return this.table.removeUpTo(now, budget)
  }
}

/**
 * A token bucket for each name that remote peers come with, bounded in the same way as the
 * buckets of subnets.
 */
export class NamedBuckets implements Sweepable {
  readonly rate: TokenRate

  /**
   * How many names are tracked
   */
  readonly max: number
  readonly #buckets = new Map<string, { fullAt: number }>()
  readonly #shared = { fullAt: 0 }
  // where `sweep` continues
  #hand: Iterator<[string, { fullAt: number }]> | undefined

  // what `check` has found
  #bucket: { fullAt: number } | undefined
  #next = 0

  constructor (rate: TokenRate, max: number) {
    this.rate = rate
    this.max = max
  }

  get size (): number {
    return this.#buckets.size
  }

  check (name: string, now: number): boolean {
    this.#bucket = this.#buckets.get(name)

    if (this.#bucket == null && this.#buckets.size >= this.max) {
      this.sweep(now, SWEEP_ON_INSERT)
      this.#bucket = this.#buckets.size >= this.max ? this.#shared : undefined
    }

    this.#next = this.rate.take(this.#bucket == null ? 0 : this.#bucket.fullAt, now)

    return this.#next !== 0
  }

  /**
   * Takes the token that `check` has just found for the same name
   */
  commit (name: string, now: number): void {
    if (this.#bucket != null) {
      this.#bucket.fullAt = this.#next
      return
    }

    this.#buckets.set(name, { fullAt: this.#next })
    this.sweep(now, SWEEP_ON_INSERT)
  }

  missing (now: number): number {
    return this.rate.missing(this.#bucket == null ? 0 : this.#bucket.fullAt, now)
  }

  restart (): void {
    this.#hand = undefined
  }

  sweep (now: number, budget: number): number {
    this.#hand ??= this.#buckets.entries()

    for (; budget > 0; budget--) {
      const { done, value } = this.#hand.next()

      if (done === true) {
        this.#hand = undefined

        return budget
      }

      if (value[1].fullAt <= now) {
        this.#buckets.delete(value[0])
      }
    }

    return 0
  }
}
