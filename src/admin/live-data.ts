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

  /** How many connections the system scope holds */
  connections: number

  /** How many streams the system scope holds */
  streams: number

  /** How many file descriptors the system scope holds */
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
  /** The peak, and when it was, if that is known of this scope */
  peak?: { value: number, time: number }
}

/** The peak of something that has a limit */
export interface PeakStat extends Pick<DescribedMark, 'kind' | 'scope' | 'value' | 'limit' | 'time' | 'p99'>, LimitedResource {
  /** `value` in percent of `limit` */
  percent: number
}

/**
 * What some of the connections and streams hold together
 */
export interface GroupStat {
  /** How many connections they are */
  connections: number

  /** How many streams are on these connections */
  streams: number

  /** In bytes */
  memory: number

  /** Its part of all connections of the node, from 0 to 1 */
  share: number
}

/** The connections from one network: a /16 of IPv4, a /32 of IPv6, or no IP address */
export type NetworkStat = GroupStat & { network: string }

/**
 * What the connections and streams of one peer hold
 */
export type PeerStat = GroupStat & { peer: string }

/**
 * What one service holds
 */
export interface ServiceStat {
  /** The name of the service */
  service: string

  /** In bytes */
  memory: number

  /** The limit of its memory in bytes, `Infinity` where there is none */
  memoryLimit: number

  /** How many connections belong to it */
  connections: number

  /** How many streams belong to it */
  streams: number
}

/**
 * An active session of a collector
 */
export interface SessionStat {
  /** The id of the collector */
  collector: string

  /** The id of the session */
  id: string

  /** What it is about, such as the protocol of a stream */
  reference: string

  /** The id of the peer */
  peer: string

  /** Received, average of ten seconds in bit/s */
  rxBitrate: number

  /** Sent, average of ten seconds in bit/s */
  txBitrate: number

  /** Received since the session began, in bytes */
  rxBytes: number

  /** Sent since the session began, in bytes */
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
 * A snapshot of a node, for the live page and `top`. Each is complete, so a listener can miss
 * some.
 */
export interface LiveData {
  /** The figures of the moment when the snapshot began */
  sample: LiveSample

  /**
   * Fullest first; among equally full ones, those that more depends on come first. All system
   * and transient scopes are there.
   */
  bars: BarStat[]

  /** How many limits are in use that are not in `bars` */
  moreBars: number

  /** How often each limit has refused something, as `refusals()` */
  refusals: RefusalCount[]

  /** Latest first */
  recentRefusals: RecentRefusal[]

  /** What has given way, as `evictions()` */
  evictions: EvictionCount[]

  /** Latest first */
  recentEvictions: RecentEviction[]

  /** What has been nearest to its limit since the start first */
  peaks: PeakStat[]

  /** Most connections first */
  networks: NetworkStat[]

  /** How many networks there are, with those that are not in `networks` */
  networkCount: number

  /** Most connections and streams first */
  peers: PeerStat[]

  /** How many peers there are, with those that are not in `peers` */
  peerCount: number

  /** Most memory first */
  services: ServiceStat[]

  /** How many services there are, with those that are not in `services` */
  serviceCount: number

  /** Busiest first */
  sessions: SessionStat[]

  /** How many active sessions there are, with those that are not in `sessions` */
  sessionCount: number

  /** What this server has done */
  admin: AdminStat

  /** The fleet, where the manager is in one */
  fleet?: FleetView
}
