import { FleetScopes } from './fleet-scopes.ts'
import { FleetSubnets } from './fleet-subnets.ts'
import type { ResolvedFleetLimits } from './fleet-limits.ts'
import type { Leases } from './leases.ts'
import type { NodeRates } from './node-rates.ts'
import type { Admission } from '../admission/admission.ts'
import type { FleetMember } from '../manager/fleet-link.ts'
import type { Slice } from '../util/slices.ts'

/**
 * The limits of a fleet on one node: of its scopes, of what is decided by address, and of rates
 */
export class NodeLimits {
  readonly #leases: Leases
  readonly #wanted: () => void
  readonly #ended: () => void
  readonly #rates: NodeRates
  #member?: FleetMember
  #admission?: Admission
  #scopes?: FleetScopes
  #subnets?: FleetSubnets

  constructor (leases: Leases, rates: NodeRates, wanted: () => void, ended: () => void) {
    this.#leases = leases
    this.#rates = rates
    this.#wanted = wanted
    this.#ended = ended
  }

  start (member: FleetMember, admission: Admission | undefined, limits: ResolvedFleetLimits): void {
    this.#member = member
    this.#admission = admission
    this.#scopes = new FleetScopes({ member, leases: this.#leases, limits, wanted: this.#wanted, ended: this.#ended })
    this.#scopes.start()
    this.#limitSubnets(limits)
    this.#rates.start(member, admission, limits)
  }

  stop (): void {
    this.#scopes?.stop()
    this.#scopes = undefined
    this.#subnets?.stop()
    this.#subnets = undefined
    this.#rates.stop()

    if (this.#admission !== undefined) {
      this.#admission.shared = undefined
    }
  }

  setLimits (limits: ResolvedFleetLimits): void {
    this.#scopes?.setLimits(limits)
    this.#subnets?.stop()
    this.#limitSubnets(limits)
    this.#rates.setLimits(limits)
  }

  /**
   * Whether the node has what it needs beside leases
   */
  get settled (): boolean {
    return this.#rates.settled
  }

  /**
   * The node is part of the fleet and may lease something
   */
  joined (): void {
    this.#rates.joined()
  }

  /**
   * Looks who holds something, and what has to be asked for
   */
  * look (slice: Slice): Generator<undefined, void, undefined> {
    if (this.#scopes !== undefined) {
      yield * this.#scopes.look(slice)
    }

    if (this.#subnets !== undefined) {
      yield * this.#subnets.look(slice)
    }

    yield * this.#leases.look(slice)
  }

  #limitSubnets ({ subnets }: ResolvedFleetLimits): void {
    const member = this.#member
    const admission = this.#admission

    if (member === undefined || admission === undefined) {
      return
    }

    this.#subnets = subnets === undefined
      ? undefined
      : new FleetSubnets({
        member,
        leases: this.#leases,
        limits: subnets,
        trustedNetworks: () => admission.allowlist.networks(),
        wanted: this.#wanted,
        ended: this.#ended
      })
    admission.shared = this.#subnets
  }
}
