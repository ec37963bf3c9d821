import { startClock } from '../util/clock.ts'
import { FleetBitrates } from './fleet-bitrates.ts'
import { FleetGroups } from './fleet-groups.ts'
import { FleetRates } from './fleet-rates.ts'
import { RatesCalls } from './rates-calls.ts'
import type { Engine } from './engine.ts'
import type { FleetConfig } from './fleet-init.ts'
import type { ResolvedFleetLimits } from './fleet-limits.ts'
import type { FleetStat } from './fleet-stat.ts'
import type { RatesPart } from './rates-calls.ts'
import type { Admission } from '../admission/admission.ts'
import type { FleetMember } from '../manager/fleet-link.ts'

/**
 * How many rates of subnets and peers are shown
 */
const SHOWN = 100

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
 * The rates of a fleet on one node: rates of connections and bit rates of sessions
 */
export class NodeRates {
  readonly #init: NodeRatesInit
  readonly #now = startClock()
  readonly #calls: RatesCalls
  #member?: FleetMember
  #admission?: Admission
  #rates?: FleetRates
  #bitrates?: FleetBitrates
  #groups?: FleetGroups
  #parts: RatesPart[] = []

  /** Whether this node may lease anything, and whether the engine has answered it */
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
    return this.#answered || (this.#rates === undefined && this.#bitrates?.active !== true)
  }

  view (): Pick<FleetStat, 'rates' | 'bitrates'> {
    return {
      rates: [...this.#rates?.leases.entries() ?? []].slice(0, SHOWN),
      bitrates: [...this.#bitrates?.entries() ?? []].slice(0, SHOWN)
    }
  }

  /**
   * The same of what there is whoever comes
   */
  shared (): Pick<FleetStat, 'rates' | 'bitrates'> {
    return { rates: this.#rates?.leases.shared() ?? [], bitrates: [...this.#bitrates?.shared() ?? []] }
  }

  start (member: FleetMember, admission: Admission | undefined, limits: ResolvedFleetLimits): void {
    this.#member = member
    this.#admission = admission
    this.#bitrates = this.#shareBitrates(member)
    this.#groups = this.#shareGroups(member)
    this.setLimits(limits)
  }

  stop (): void {
    this.#calls.stop()
    this.#joined = false
    this.#answered = false
    this.#parts = []

    if (this.#member?.collectors !== undefined) {
      this.#member.collectors.shared = undefined
    }

    this.#member = undefined
    this.#rates = undefined
    this.#bitrates?.stop()
    this.#bitrates = undefined
    this.#groups?.stop()
    this.#groups = undefined

    if (this.#admission !== undefined) {
      this.#admission.sharedRates = undefined
    }
  }

  setLimits (limits: ResolvedFleetLimits): void {
    if (this.#member === undefined) {
      return
    }

    this.#limitRates(limits)
    this.#limitBitrates(limits)
    this.#parts = this.#rates === undefined ? [] : [this.#rates.leases]
    this.#bitrates?.active === true && this.#parts.push(this.#bitrates)
    this.#groups !== undefined && this.#parts.push(this.#groups)
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

  #shareBitrates ({ collectors, metricsSource: { sessions } }: FleetMember): FleetBitrates | undefined {
    const { config: { allowance, onLoss }, nodes } = this.#init

    return collectors === undefined
      ? undefined
      : new FleetBitrates({
        allowance,
        onLoss,
        nodes,
        measure: (id, direction) => {
          const collector = sessions?.collector(id)

          return (direction === 'rx' ? collector?.ingressBitrate() : collector?.egressBitrate()) ?? 0
        },
        now: this.#now,
        wanted: () => { this.#calls.wanted() }
      })
  }

  /**
   * Where nobody shares what is full there is nothing to tell
   */
  #shareGroups ({ metricsSource: { graph } }: FleetMember): FleetGroups | undefined {
    return graph.groups === undefined ? undefined : new FleetGroups({ graph, ttl: this.#init.config.ttl, now: this.#now })
  }

  #limitBitrates ({ sessions: limits }: ResolvedFleetLimits): void {
    const { collectors, log } = this.#member as FleetMember

    if (limits !== undefined && collectors === undefined) {
      log.error('fleet: limits.sessions do not limit this node, which has no option sessions: {} would be enough')
    }

    this.#bitrates?.setLimits(limits)

    if (collectors !== undefined) {
      collectors.shared = this.#bitrates?.active === true ? this.#bitrates : undefined
    }
  }
}
