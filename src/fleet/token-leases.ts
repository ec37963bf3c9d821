import { amountOf, listOf } from './engine.ts'
import { MAX_RATES } from './rates-protocol.ts'
import type { FleetRateStat } from './fleet-stat.ts'
import type { RatesPart, RatesTimes } from './rates-calls.ts'
import type { RatesAnswer, RatesRequest } from './rates-protocol.ts'
import type { TokenLease } from './token-lease.ts'

/**
 * All the tokens that a node leases: what it tells the engine of them and asks for, and until when
 * what it was granted counts
 */
export class TokenLeases implements RatesPart {
  readonly #nodes: () => number

  /** By bucket: those that were not asked for longest first */
  readonly #leases = new Map<string, TokenLease>()

  /** Those that there are whoever comes */
  readonly #ahead: TokenLease[] = []
  #validUntil = -Infinity

  /**
   * @param nodes - how many there are, or were last: 0 if that is not known
   */
  constructor (nodes: () => number) {
    this.#nodes = nodes
  }

  get size (): number {
    return this.#leases.size
  }

  /** Until when what was leased counts */
  get validUntil (): number {
    return this.#validUntil
  }

  /**
   * Asks for a lease as well from now on
   */
  add (lease: TokenLease): void {
    this.#leases.set(lease.bucket, lease)
    lease.isAhead && this.#ahead.push(lease)
  }

  /**
   * Goes on with the tokens that others of the same rate had
   *
   * @param before - may not be used any more
   * @param keeps - whether one that only the others have is asked for as well
   */
  inherit (before: TokenLeases, keeps: (lease: TokenLease) => boolean): void {
    this.#validUntil = before.#validUntil

    for (const lease of before.#leases.values()) {
      const own = this.#leases.get(lease.bucket)

      if (own !== undefined) {
        own.inherit(lease)
      } else if (keeps(lease)) {
        this.add(lease)
      }
    }
  }

  /**
   * Those of subnets last, as there may be many
   */
  * entries (): Generator<FleetRateStat> {
    yield * this.shared()

    for (const lease of this.#leases.values()) {
      if (!lease.isAhead) {
        yield statOf(lease)
      }
    }
  }

  /**
   * Those of everybody and of networks
   */
  shared (): FleetRateStat[] {
    return this.#ahead.map(statOf)
  }

  // RatesPart

  dueAt (now: number): number {
    let at = Infinity

    for (const lease of this.#leases.values()) {
      at = Math.min(at, lease.dueAt(now))
    }

    return at
  }

  ask (request: RatesRequest, now: number): void {
    for (const lease of [...this.#leases.values()]) {
      if (request.tokens.length === MAX_RATES) {
        break
      }

      if (lease.isDue(now)) {
        request.tokens.push(lease.request(request.seq, now, Math.max(1, this.#nodes())))
        // the next call begins with the others, or remotes could keep these in front
        this.#leases.delete(lease.bucket)
        this.#leases.set(lease.bucket, lease)
      }
    }
  }

  answered ({ tokens }: RatesRequest, { tokens: answers }: RatesAnswer, { now, validUntil }: RatesTimes): void {
    this.#validUntil = validUntil

    tokens.forEach((request, i) => {
      const lease = this.#leases.get(request[0])
      const [granted, missing] = listOf<number>(listOf<[number, number]>(answers)[i])

      if (lease?.answered(request, amountOf(granted), amountOf(missing), validUntil, now) === true) {
        lease.forget?.()
        this.#leases.delete(lease.bucket)
      }
    })
  }
}

function statOf ({ held, name, rate: { burst, interval } }: TokenLease): FleetRateStat {
  // without what two divisions have added
  return { name, rate: Number((1_000 / interval).toPrecision(12)), burst, ...held }
}
