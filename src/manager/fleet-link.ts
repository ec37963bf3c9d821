import type { Admission } from '../admission/admission.ts'
import type { FleetNodeStat, FleetStat } from '../fleet/fleet-stat.ts'
import type { MetricsSource } from '../reporting/metric-family.ts'
import type { Refusal } from '../scopes/refusal.ts'
import type { SharedBitrates } from '../sessions/service-collectors.ts'
import type { Logger } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * What a fleet has of the manager of a node
 */
export interface FleetMember {
  readonly log: Logger
  readonly enforces: boolean
  readonly metricsSource: MetricsSource

  /** Not there where nothing of the node is watched */
  readonly collectors?: { shared?: SharedBitrates | undefined }

  isAllowlisted(address?: Multiaddr): boolean
  errorOf(refusal: Refusal): Error
  warn(message: string): void
}

/**
 * The limits and decisions that a manager shares with others: what
 * `libp2p-resource-manager/fleet` makes. It brings its own code, so that whoever has no fleet
 * has none of that.
 */
export interface FleetLink {
  /**
   * From now on the manager is one of the fleet. It is, too, where the fleet cannot be reached.
   *
   * @param member
   * @param admission - where anything is decided by address
   */
  start(member: FleetMember, admission?: Admission): Promise<void>

  /**
   * The manager leaves the fleet
   */
  stop(): Promise<void>

  /**
   * What the node last knew of the fleet
   */
  view(): FleetStat

  /**
   * What each node has told the others
   *
   * @throws {Error} if the fleet does not answer
   */
  stat(): Promise<{ nodes: FleetNodeStat[] }>
}
