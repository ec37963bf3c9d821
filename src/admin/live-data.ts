import type { AdminStat } from './admin-stat.ts'
import type { FleetNodeStat, FleetStat } from '../fleet/fleet-stat.ts'
import type { RecentEviction } from '../reporting/recent-evictions.ts'
import type { RecentRefusal } from '../reporting/recent-refusals.ts'
import type { RefusalCount } from '../reporting/refusal-counts.ts'
import type { LimitedResource, ScopeUsage } from '../reporting/scope-usage.ts'
import type { DescribedMark } from '../reporting/usual-use.ts'
import type { EvictionCount } from '../scopes/evictions.ts'

/**
 * What the node holds at one moment
 */
export interface LiveSample {
  /** In ms since 1970 */
  time: number

  /** Of the system scope, in bytes */
  memory: number

  /** Of the process, in bytes */
  resident: number
  connections: number
  streams: number
  fds: number

  /** How often anything was refused since the manager was made */
  refusals: number

  /** How often anything gave way since then */
  evictions: number

  /** The share of its time that the event loop has been busy since the sample before, from 0 to 1 */
  busy: number
}

/** A limit of a scope, and how much of it is in use */
export interface BarStat extends ScopeUsage {
  /** The most that has been in use, and when, where that is known of this scope */
  peak?: { value: number, time: number }
}

/** The most that there has been of something, and what it was the limit of */
export interface PeakStat extends Pick<DescribedMark, 'kind' | 'scope' | 'value' | 'limit' | 'time' | 'p99'>, LimitedResource {
  /** `value` of `limit` */
  percent: number
}

/**
 * What some of the connections and streams hold together
 */
export interface GroupStat {
  connections: number
  streams: number

  /** In bytes */
  memory: number

  /** Its part of all connections of the node, from 0 to 1 */
  share: number
}

/** The connections from one network: a /16 of IPv4, a /32 of IPv6, or no IP address */
export type NetworkStat = GroupStat & { network: string }

export type PeerStat = GroupStat & { peer: string }

export interface ServiceStat {
  service: string
  memory: number

  /** In bytes, `Infinity` where there is none */
  memoryLimit: number
  connections: number
  streams: number
}

/** An active session of a collector, bit rates in bit/s */
export interface SessionStat {
  collector: string
  id: string
  reference: string
  peer: string
  rxBitrate: number
  txBitrate: number
  rxBytes: number
  txBytes: number
}

/** A fleet, as this node sees it */
export interface FleetView extends FleetStat {
  /** What each node has told the others, this one included. Empty until the fleet has answered. */
  members: FleetNodeStat[]

  /** How long ago the fleet has said that, in ms: `Infinity` before it has for the first time */
  membersAge: number
}

/**
 * A snapshot of a node, for the live page and `top`. Each is complete, so that none is
 * missed where some are left out.
 */
export interface LiveData {
  sample: LiveSample

  /**
   * Fullest first, and of those that are as full the ones that more depends on. All of the
   * system and transient scopes are there.
   */
  bars: BarStat[]

  /** How many limits are in use that are not in `bars` */
  moreBars: number
  refusals: RefusalCount[]

  /** Latest first */
  recentRefusals: RecentRefusal[]
  evictions: EvictionCount[]

  /** Latest first */
  recentEvictions: RecentEviction[]

  /** What has been nearest to its limit since the start first */
  peaks: PeakStat[]

  /** Most connections first */
  networks: NetworkStat[]
  networkCount: number

  /** Most connections and streams first */
  peers: PeerStat[]
  peerCount: number

  /** Most memory first */
  services: ServiceStat[]
  serviceCount: number

  /** Busiest first */
  sessions: SessionStat[]
  sessionCount: number

  /** What this server has done */
  admin: AdminStat

  /** The fleet, where the manager is in one */
  fleet?: FleetView
}
