import { BitrateShare } from './bitrate-share.ts'
import { amountOf, listOf } from './engine.ts'
import { MAX_RATES } from './rates-protocol.ts'
import type { FleetBitrateStat } from './fleet-stat.ts'
import type { FleetBitrate, ResolvedFleetSessions } from './fleet-traffic-limits.ts'
import type { RatesPart, RatesTimes } from './rates-calls.ts'
import type { RatesAnswer, RatesRequest } from './rates-protocol.ts'
import type { OnLoss } from './without-lease.ts'
import type { AggregateScope } from '../scopes/aggregate-scope.ts'
import type { SharedBitrates } from '../sessions/service-collectors.ts'
import type { StreamBudgets } from '../sessions/stream-budgets.ts'

export interface FleetBitratesInit {
  /** The part of the bit rate of a peer that a node lets it have before it has asked */
  allowance: number
  onLoss: OnLoss

  /** What a collector measures, in bit/s */
  measure(collector: string, direction: 'rx' | 'tx'): number

  /** How many nodes there are, or were last: 0 if that is not known */
  nodes(): number

  /** In ms, and never goes back */
  now(): number

  /** There is something to ask for */
  wanted(): void
}

type Shares = Record<'rx' | 'tx', BitrateShare>

/** What is not limited any more */
const NO_LIMIT: FleetBitrate = { rx: Infinity, tx: Infinity }

const DIRECTIONS = ['rx', 'tx'] as const

/**
 * The bit rates of a fleet for all streams, for those of each peer and for those of collectors.
 * The node has a budget for its part of each, beside its own budgets.
 */
export class FleetBitrates implements SharedBitrates, RatesPart {
  readonly #init: FleetBitratesInit
  #limits: ResolvedFleetSessions = { collectors: new Map() }
  #system?: Shares
  readonly #collectors = new Map<string, Shares>()

  /** The peers that were not asked about for longest come first. A closed scope belongs to no peer any more. */
  readonly #peers = new Map<AggregateScope, Shares>()
  #sweep = this.#peers.entries()

  /** Until when what the engine has answered last counts */
  #validUntil = -Infinity

  /** What the engine may forget */
  #gone: string[] = []

  constructor (init: FleetBitratesInit) {
    this.#init = init
  }

  setLimits (limits: ResolvedFleetSessions = { collectors: new Map() }): void {
    this.#limits = limits
    this.#system = this.#change(this.#system, 'system', limits.system)

    for (const id of new Set([...limits.collectors.keys(), ...this.#collectors.keys()])) {
      const shares = this.#change(this.#collectors.get(id), `collector:${id}`, limits.collectors.get(id), id)

      shares !== undefined && this.#collectors.set(id, shares)
    }

    for (const [scope, shares] of this.#peers) {
      this.#change(shares, `peer:${scope.key}`, limits.peer)
    }
  }

  /** Whether there is anything to limit */
  get active (): boolean {
    const { collectors, peer, system } = this.#limits

    return system !== undefined || peer !== undefined || collectors.size > 0
  }

  // SharedBitrates

  ofStream (scope: AggregateScope): StreamBudgets[] {
    const { peer, system } = this.#limits
    const budgets = system === undefined || this.#system === undefined ? [] : [budgetsOf(this.#system, system)]

    if (peer !== undefined) {
      budgets.push(budgetsOf(this.#sharesOf(scope, peer), peer))
    }

    return budgets
  }

  ofCollector (id: string): StreamBudgets | undefined {
    const limits = this.#limits.collectors.get(id)
    const shares = this.#collectors.get(id)

    return limits === undefined || shares === undefined ? undefined : budgetsOf(shares, limits)
  }

  maxBitrate (id: string, direction: 'rx' | 'tx'): number {
    return this.#collectors.get(id)?.[direction].bitrate ?? Infinity
  }

  exceeded (id: string, direction: 'rx' | 'tx'): void {
    this.#collectors.get(id)?.[direction].wasShort()
    this.#init.wanted()
  }

  // RatesPart

  dueAt (now: number): number {
    for (const share of this.#all()) {
      if (share.urgent) {
        return now
      }
    }

    return Infinity
  }

  ask (request: RatesRequest, now: number): void {
    const nodes = Math.max(1, this.#init.nodes())

    for (const shares of this.#ahead) {
      this.#ask(request, shares, nodes)
    }

    for (const [scope, shares] of [...this.#peers]) {
      if (scope.closed || (shares.rx.idle && shares.tx.idle)) {
        this.#gone.push(...shares.rx.forget(), ...shares.tx.forget())
        scope.closed && this.#peers.delete(scope)
      } else if (request.shares.length + 2 <= MAX_RATES) {
        this.#ask(request, shares, nodes)
        // the next call begins with the others
        this.#peers.delete(scope)
        this.#peers.set(scope, shares)
      } else {
        DIRECTIONS.forEach(direction => { shares[direction].expire(now) })
      }
    }

    // an iterator that stands still keeps what a map was, and all have just been checked
    this.#sweep = this.#peers.entries()
    request.gone = this.#gone.slice(0, MAX_RATES)
  }

  answered ({ gone, shares: requests }: RatesRequest, { shares: answers }: RatesAnswer, { validUntil }: RatesTimes): void {
    const asked = new Map<string, BitrateShare>()

    for (const share of this.#all()) {
      asked.set(share.name, share)
    }

    this.#validUntil = validUntil
    this.#gone = this.#gone.filter(name => !gone.includes(name))
    requests.forEach((request, i) => {
      asked.get(request[0])?.granted(request, amountOf(listOf<number>(answers)[i]), validUntil)
    })
  }

  expired (now: number): void {
    for (const share of this.#all()) {
      share.expire(now)
    }
  }

  /**
   * The streams of this node are not limited by the fleet any more
   */
  stop (): void {
    this.setLimits()
  }

  /**
   * Those of peers last, as there may be many
   */
  entries (): Generator<FleetBitrateStat> {
    return statsOf(this.#all())
  }

  /**
   * Those of the system and of collectors
   */
  shared (): Generator<FleetBitrateStat> {
    return statsOf(sharesIn(this.#ahead))
  }

  #sharesOf (scope: AggregateScope, limits: FleetBitrate): Shares {
    let shares = this.#peers.get(scope)

    if (shares === undefined) {
      this.#forgetClosed()
      shares = this.#makeShares(`peer:${scope.key}`, limits, false)
      this.#peers.set(scope, shares)
      this.#init.wanted()
    }

    return shares
  }

  /**
   * For each that comes, two of those that are there are checked: there may be nobody to ask
   */
  #forgetClosed (): void {
    for (let i = 0; i < 2; i++) {
      const { done, value } = this.#sweep.next()

      if (done === true) {
        this.#sweep = this.#peers.entries()
        return
      }

      const [scope, { rx, tx }] = value

      if (scope.closed) {
        this.#gone.push(...rx.forget(), ...tx.forget())
        this.#peers.delete(scope)
      }
    }
  }

  #ask (request: RatesRequest, shares: Shares | undefined, nodes: number): void {
    for (const direction of DIRECTIONS) {
      if (shares?.[direction].limited === true && request.shares.length < MAX_RATES) {
        request.shares.push(shares[direction].request(nodes))
      }
    }
  }

  get #ahead (): Array<Shares | undefined> {
    return [this.#system, ...this.#collectors.values()]
  }

  #all (): Generator<BitrateShare> {
    return sharesIn([...this.#ahead, ...this.#peers.values()])
  }

  #change (shares: Shares | undefined, name: string, limits: FleetBitrate | undefined, collector?: string): Shares | undefined {
    if (shares === undefined) {
      return limits && this.#makeShares(name, limits, true, collector)
    }

    for (const direction of DIRECTIONS) {
      shares[direction].limit = (limits ?? NO_LIMIT)[direction]
    }

    return shares
  }

  #makeShares (name: string, limits: FleetBitrate, ahead: boolean, collector?: string): Shares {
    const { measure, now } = this.#init
    const make = (direction: 'rx' | 'tx'): BitrateShare => new BitrateShare({
      name: `${name} ${direction}`,
      limit: limits[direction],
      without: limit => this.#without(limit, ahead),
      measure: collector === undefined ? undefined : () => measure(collector, direction),
      now
    })

    return { rx: make('rx'), tx: make('tx') }
  }

  /**
   * How much of a limit may be used that the engine was not asked about
   */
  #without (limit: number, ahead: boolean): number {
    const { allowance, nodes, now, onLoss } = this.#init
    const allowed = ahead ? 0 : Math.ceil(limit * allowance)

    if (now() < this.#validUntil) {
      return allowed
    }

    switch (onLoss) {
      case 'local':
        return Infinity
      case 'share':
        return Math.max(nodes() > 0 ? Math.floor(limit / nodes()) : 0, allowed)
      default:
        return 0
    }
  }
}

function * sharesIn (all: Array<Shares | undefined>): Generator<BitrateShare> {
  for (const shares of all) {
    if (shares !== undefined) {
      yield shares.rx
      yield shares.tx
    }
  }
}

function * statsOf (shares: Iterable<BitrateShare>): Generator<FleetBitrateStat> {
  for (const { bitrate, limit, limited, name, used } of shares) {
    if (limited) {
      yield { name, limit, bitrate, used }
    }
  }
}

function budgetsOf ({ rx, tx }: Shares, limits: FleetBitrate): StreamBudgets {
  return { rx: limits.rx === Infinity ? undefined : rx.budget, tx: limits.tx === Infinity ? undefined : tx.budget }
}
