import { FleetScopes } from './fleet-scopes.ts'
import { FleetSubnets } from './fleet-subnets.ts'
import { GiveWay } from './give-way.ts'
import type { ResolvedFleetLimits } from './fleet-limits.ts'
import type { Leases } from './leases.ts'
import type { NodeRates } from './node-rates.ts'
import type { FleetClock } from './shared-limit.ts'
import type { Admission } from '../admission/admission.ts'
import type { FleetMember } from '../manager/fleet-link.ts'
import type { Slice } from '../util/slices.ts'

export interface NodeLimitsInit extends FleetClock {
  leases: Leases
  rates: NodeRates

  /** There is something to ask for */
  wanted(): void

  /** A connection has ended because the fleet had too many */
  ended(): void
}

/**
 * The limits of a fleet on one node: of its scopes, its subnets and its rates
 */
export class NodeLimits {
  readonly #init: NodeLimitsInit
  #member?: FleetMember
  #admission?: Admission
  #scopes?: FleetScopes
  #subnets?: FleetSubnets
  #yielding?: GiveWay

  constructor (init: NodeLimitsInit) {
    this.#init = init
  }

  start (member: FleetMember, admission: Admission | undefined, limits: ResolvedFleetLimits): void {
    this.#member = member
    this.#admission = admission
    this.#yielding = new GiveWay({ member, ended: this.#init.ended })
    this.#scopes = new FleetScopes({ ...this.#init, member, limits, yielding: this.#yielding })
    this.#scopes.start()
    this.#limitSubnets(limits)
    this.#init.rates.start(member, admission, limits)
  }

  stop (): void {
    this.#scopes?.stop()
    this.#scopes = undefined
    this.#subnets?.stop()
    this.#subnets = undefined
    this.#yielding?.stop()
    this.#yielding = undefined
    this.#init.rates.stop()

    if (this.#admission !== undefined) {
      this.#admission.shared = undefined
    }
  }

  setLimits (limits: ResolvedFleetLimits): void {
    this.#scopes?.setLimits(limits)
    this.#subnets?.stop()
    this.#limitSubnets(limits)
    this.#init.rates.setLimits(limits)
  }

  /**
   * Whether the node has what it needs beside leases
   */
  get settled (): boolean {
    return this.#init.rates.settled
  }

  /**
   * The node is part of the fleet and may lease something
   */
  joined (): void {
    this.#init.rates.joined()
  }

  /**
   * Finds out who holds something, and what has to be asked for
   */
  * scan (slice: Slice): Generator<undefined, void, undefined> {
    if (this.#scopes !== undefined) {
      yield * this.#scopes.scan(slice)
    }

    if (this.#subnets !== undefined) {
      yield * this.#subnets.scan(slice)
    }

    yield * this.#init.leases.scan(slice)
  }

  #limitSubnets ({ subnets }: ResolvedFleetLimits): void {
    const member = this.#member
    const admission = this.#admission
    const yielding = this.#yielding

    if (member === undefined || admission === undefined || yielding === undefined) {
      return
    }

    this.#subnets = subnets === undefined
      ? undefined
      : new FleetSubnets({
        ...this.#init,
        member,
        yielding,
        limits: subnets,
        trustedNetworks: () => admission.allowlist.networks()
      })
    admission.shared = this.#subnets
  }
}
