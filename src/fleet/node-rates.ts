import { startClock } from '../util/clock.ts'
import { FleetRates } from './fleet-rates.ts'
import { RatesCalls } from './rates-calls.ts'
import type { Engine } from './engine.ts'
import type { FleetConfig } from './fleet-init.ts'
import type { ResolvedFleetLimits } from './fleet-limits.ts'
import type { RatesPart } from './rates-calls.ts'
import type { Admission } from '../admission/admission.ts'
import type { FleetMember } from '../manager/fleet-link.ts'

export interface NodeRatesInit {
  config: FleetConfig
  engine: Engine

  /** Of this run of the node */
  id: string

  /** The version of the decisions that the limits are from */
  policy(): number

  /** How many nodes there were last, 0 if that is not known */
  nodes(): number

  /** The node has its rates */
  settled(): void
}

/**
 * What a fleet says about how often something may happen on one node: the rates of connections
 */
export class NodeRates {
  readonly #init: NodeRatesInit
  readonly #now = startClock()
  readonly #calls: RatesCalls
  #member?: FleetMember
  #admission?: Admission
  #rates?: FleetRates
  #parts: RatesPart[] = []

  /** Whether this node may lease anything, and whether the engine has answered what it asked for */
  #joined = false
  #answered = false

  constructor (init: NodeRatesInit) {
    const { config: { timeout, ttl }, engine, id, policy, settled } = init

    this.#init = init
    this.#calls = new RatesCalls({
      engine,
      id,
      ttl,
      timeout,
      policy,
      now: this.#now,
      answered: () => {
        if (!this.#answered) {
          this.#answered = true
          settled()
        }
      }
    })
  }

  /**
   * Whether the node has what it needs
   */
  get settled (): boolean {
    return this.#answered || this.#parts.length === 0
  }

  start (member: FleetMember, admission: Admission | undefined, limits: ResolvedFleetLimits): void {
    this.#member = member
    this.#admission = admission
    this.setLimits(limits)
  }

  stop (): void {
    this.#calls.stop()
    this.#joined = false
    this.#answered = false
    this.#parts = []
    this.#member = undefined
    this.#rates = undefined

    if (this.#admission !== undefined) {
      this.#admission.sharedRates = undefined
    }
  }

  setLimits (limits: ResolvedFleetLimits): void {
    if (this.#member === undefined) {
      return
    }

    this.#limitRates(limits)
    this.#parts = this.#rates === undefined ? [] : [this.#rates]
    this.#joined && this.#calls.start(this.#parts)
  }

  /**
   * The node is part of the fleet and may lease something
   */
  joined (): void {
    if (!this.#joined) {
      this.#joined = true
      this.#calls.start(this.#parts)
    }
  }

  #limitRates ({ rates: limits }: ResolvedFleetLimits): void {
    const { config: { allowance, onLoss }, nodes } = this.#init
    const before = this.#rates

    this.#rates = limits === undefined || this.#admission === undefined
      ? undefined
      : new FleetRates({ limits, allowance, onLoss, nodes, now: this.#now, wanted: () => { this.#calls.wanted() } })

    if (before !== undefined) {
      this.#rates?.inherit(before)
    }

    if (this.#admission !== undefined) {
      this.#admission.sharedRates = this.#rates
    }
  }
}
