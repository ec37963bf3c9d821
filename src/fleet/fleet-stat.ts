import type { ScopeStat } from '../scopes/resource-scope.ts'

/**
 * `'joining'` until the fleet has answered for the first time, `'lost'` if it has not done so
 * for longer than leases last
 */
export type FleetState = 'joining' | 'joined' | 'lost' | 'stopped'

/**
 * The room that a node has leased in a scope, and what it holds of it. Each has the fields of
 * a limit that the fleet has one for.
 */
export interface LeaseStat {
  /** Such as `system`, `service:my-service`, `peer:12D3Koo…` or `subnet:192.0.2.0/24` */
  scope: string

  /** Of the whole fleet */
  limit: Record<string, number>

  /** What this node may hold now */
  leased: Record<string, number>

  /** What it holds now */
  held: Record<string, number>
}

/**
 * A rate of connections of a fleet, and the tokens that this node has of it
 */
export interface FleetRateStat {
  /** Such as `global`, `network:198.51.100.0/24` or `subnet:192.0.2.0/24` */
  name: string

  /** How many connections in a second the whole fleet accepts for long */
  rate: number
  burst: number

  /** How many connections this node may accept until it has asked again */
  tokens: number

  /** How many tokens were missing in the whole fleet when the engine answered last */
  missing: number

  /** How many connections this node had accepted when it last asked, since the rate was set */
  accepted: number
}

/**
 * A bit rate of a fleet in one direction, and the part of this node. All in bit/s.
 */
export interface FleetBitrateStat {
  /** Such as `system tx`, `collector:myService rx` or `peer:12D3Koo… tx` */
  name: string
  limit: number

  /** What this node may use now. It is Infinity while the node has lost the fleet and `onLoss` is `'local'`. */
  bitrate: number

  /** What it has used lately, between the last two times that it asked */
  used: number
}

/**
 * What a node last knew of its fleet
 */
export interface FleetStat {
  /** The name of the fleet */
  name: string

  /** Of this node */
  node: string

  /** Whether this node takes part: `joining`, `joined`, `lost` (the engine does not answer) or `stopped` */
  state: FleetState

  /** How old the figures of the fleet are, in ms. Infinity before the first answer. */
  age: number

  /** How many nodes the fleet had then, this one included */
  nodes: number

  /** Why the fleet last did not answer, as long as it does not */
  error?: string

  /** The version of the decisions in force here: a number that grows by one with each change */
  version: number

  /** How many peers and networks the fleet blocks */
  blocked: number

  /** How many entries the allow list of the fleet has */
  allowed: number

  /** How often the engine was called since the start */
  calls: number

  /** How many of these calls have failed */
  failures: number

  /** How often leases have ended because the engine did not answer, since the start */
  losses: number

  /** How many connections have ended because the fleet had more of them than it may, since the start */
  ended: number

  /** The limits of the fleet, and the room that is leased of them; of peers, protocols and subnets the first hundred */
  leases: LeaseStat[]

  /** The rates of connections that this node has tokens of; of subnets the first hundred */
  rates: FleetRateStat[]

  /** The bit rates of the fleet, and the part of this node; of peers the first hundred */
  bitrates: FleetBitrateStat[]
}

/**
 * The same without the lists that may be long
 */
export type FleetSummary = Omit<FleetStat, 'leases' | 'rates' | 'bitrates'>

/**
 * The sessions of a collector
 */
export interface SessionSums {
  /** How many sessions are active */
  sessions: number

  /** Received by all of them, average of ten seconds in bit/s */
  rxBitrate: number

  /** Sent by all of them, average of ten seconds in bit/s */
  txBitrate: number

  /** Received in active sessions, and in ended ones as far back as the history goes, in bytes */
  rxBytes: number

  /** The same for bytes sent */
  txBytes: number
}

/**
 * What a node holds, as it tells the others
 */
export interface NodeSummary {
  /** What its system scope holds */
  system: ScopeStat

  /** What its transient scope holds */
  transient: ScopeStat

  /** How many peers it has scopes of */
  peerCount: number

  /** What its services hold, by name */
  services: Record<string, ScopeStat>

  /** The peers that hold most of it */
  peers: Record<string, ScopeStat>

  /** The sessions of its collectors, by their id */
  sessions: Record<string, SessionSums>
}

/**
 * A node of a fleet, as it has told the others
 */
export interface FleetNode extends NodeSummary {
  /** The name of the node */
  node: string

  /** How old this is, in ms */
  age: number
}

/**
 * The part that is shown beside other nodes
 */
export type FleetNodeStat = Pick<FleetNode, 'node' | 'age' | 'system' | 'peerCount'>

/**
 * What a whole fleet holds
 */
export interface FleetSums {
  /** What each node has told the others last */
  nodes: FleetNode[]

  /** All nodes together. Of peers, services and collectors, only those that hold most on each node. */
  total: NodeSummary
}

/**
 * What a peer holds on all nodes together
 */
export interface FleetHolder extends ScopeStat {
  /** The id of the peer */
  peer: string

  /** On how many nodes it is among those that hold most */
  nodes: number
}
