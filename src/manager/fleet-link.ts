import type { Admission } from '../admission/admission.ts'
import type { FleetHolder, FleetStat, FleetSums } from '../fleet/fleet-stat.ts'
import type { GaugeFamily, MetricsSource } from '../reporting/metric-family.ts'
import type { Refusal } from '../scopes/refusal.ts'
import type { SharedBitrates } from '../sessions/service-collectors.ts'
import type { Logger } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * The part of a node's manager that a fleet uses
 */
export interface FleetMember {
  readonly log: Logger
  readonly enforces: boolean
  readonly metricsSource: MetricsSource

  /** Not there if nothing of the node is observed */
  readonly collectors?: { shared?: SharedBitrates | undefined }

  isAllowlisted(address?: Multiaddr): boolean
  errorOf(refusal: Refusal): Error
  warn(message: string): void
}

/**
 * The part of a fleet that can only be read
 */
export interface FleetReader {
  /**
   * What the node last knew of it
   */
  view(): FleetStat

  /**
   * What each node holds and all of them together, from the engine
   *
   * @throws {Error} if the engine does not answer
   */
  stat(): Promise<FleetSums>

  /**
   * The peers that hold most on all nodes together, largest first
   *
   * @param top - how many
   * @throws {Error} if the engine does not answer
   */
  holders(top?: number): Promise<FleetHolder[]>
}

/**
 * The limits and decisions that a manager shares with others, made by
 * `libp2p-resource-manager/fleet`. A fleet brings its own code, so a node without one does not
 * load it.
 */
export interface FleetLink extends FleetReader {
  /**
   * From now on the manager belongs to the fleet, even if the fleet cannot be reached.
   *
   * @param member
   * @param admission - where anything is decided by address
   */
  start(member: FleetMember, admission?: Admission): Promise<void>

  /**
   * The manager leaves the fleet
   */
  stop(): Promise<void>

  /** What metrics say of it */
  readonly metrics: readonly GaugeFamily[]
}
