import { FleetScopes } from './fleet-scopes.ts'
import { FleetSubnets } from './fleet-subnets.ts'
import type { ResolvedFleetLimits } from './fleet-limits.ts'
import type { Leases } from './leases.ts'
import type { Admission } from '../admission/admission.ts'
import type { FleetMember } from '../manager/fleet-link.ts'

/**
 * The limits of a fleet on one node: of its scopes, and of what is decided by address
 */
export class NodeLimits {
  readonly #leases: Leases
  readonly #wanted: () => void
  readonly #ended: () => void
  #member?: FleetMember
  #admission?: Admission
  #scopes?: FleetScopes
  #subnets?: FleetSubnets

  constructor (leases: Leases, wanted: () => void, ended: () => void) {
    this.#leases = leases
    this.#wanted = wanted
    this.#ended = ended
  }

  start (member: FleetMember, admission: Admission | undefined, limits: ResolvedFleetLimits): void {
    this.#member = member
    this.#admission = admission
    this.#scopes = new FleetScopes({ member, leases: this.#leases, limits, wanted: this.#wanted, ended: this.#ended })
    this.#scopes.start()
    this.#limitSubnets(limits)
  }

  stop (): void {
    this.#scopes?.stop()
    this.#scopes = undefined
    this.#subnets?.stop()
    this.#subnets = undefined

    if (this.#admission !== undefined) {
      this.#admission.shared = undefined
    }
  }

  setLimits (limits: ResolvedFleetLimits): void {
    this.#scopes?.setLimits(limits)
    this.#subnets?.stop()
    this.#limitSubnets(limits)
  }

  /**
   * Looks who holds something
   */
  look (): void {
    this.#scopes?.look()
    this.#subnets?.look()
  }

  #limitSubnets ({ subnets }: ResolvedFleetLimits): void {
    this.#subnets = subnets === undefined || this.#member === undefined || this.#admission === undefined
      ? undefined
      : new FleetSubnets({ member: this.#member, leases: this.#leases, limits: subnets, wanted: this.#wanted, ended: this.#ended })

    if (this.#admission !== undefined) {
      this.#admission.shared = this.#subnets
    }
  }
}
