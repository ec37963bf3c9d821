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
 * What a node last knew of its fleet
 */
export interface FleetStat {
  name: string

  /** Of this node */
  node: string
  state: FleetState

  /** How old what is known here of the fleet is, in ms. It is Infinity before the first answer. */
  age: number

  /** How many nodes the fleet had then, this one included */
  nodes: number

  /** Why the fleet last did not answer, as long as it does not */
  error?: string

  /** The version of the decisions that are in force here. Each change makes it one more. */
  version: number

  /** How many peers and networks the fleet blocks, and how many entries are in its allow list */
  blocked: number
  allowed: number

  /** How often the engine was called since the start, and how many of these calls have failed */
  calls: number
  failures: number

  /** How often leases have ended because the engine did not answer, since the start */
  losses: number

  /** How many connections have ended because the fleet had more of them than it may, since the start */
  ended: number

  /** What limits of the fleet there are, and the room that is leased of them. Of peers, protocols and subnets the first hundred. */
  leases: LeaseStat[]

  /** The rates of connections that this node has tokens of. Of subnets the first hundred. */
  rates: Array<{
    /** Such as `global`, `network:198.51.100.0/24` or `subnet:192.0.2.0/24` */
    name: string
    burst: number

    /** How many connections this node may accept until it has asked again */
    tokens: number

    /** How many tokens were missing in the whole fleet when the engine answered last */
    missing: number
  }>

  /** The bit rates of the fleet, and the part of this node, in bit/s. Of peers the first hundred. */
  bitrates: Array<{
    /** Such as `system tx`, `collector:myService rx` or `peer:12D3Koo… tx` */
    name: string
    limit: number
    bitrate: number
  }>
}

/**
 * The same without what there may be many of
 */
export type FleetSummary = Omit<FleetStat, 'leases' | 'rates' | 'bitrates'>

/**
 * The sessions of a collector
 */
export interface SessionSums {
  sessions: number

  /** In bit/s */
  rxBitrate: number
  txBitrate: number

  /** Of sessions that have ended, as far back as the history goes, and of those that go on, in bytes */
  rxBytes: number
  txBytes: number
}

/**
 * What a node holds, as it tells the others
 */
export interface NodeSummary {
  system: ScopeStat
  transient: ScopeStat

  /** How many peers it has scopes of */
  peerCount: number
  services: Record<string, ScopeStat>

  /** The peers that hold most of it */
  peers: Record<string, ScopeStat>
  sessions: Record<string, SessionSums>
}

/**
 * A node of a fleet, as it has told the others
 */
export interface FleetNode extends NodeSummary {
  node: string

  /** How old this is, in ms */
  age: number
}

/**
 * What is shown of it beside others
 */
export type FleetNodeStat = Pick<FleetNode, 'node' | 'age' | 'system' | 'peerCount'>

/**
 * What a whole fleet holds
 */
export interface FleetSums {
  nodes: FleetNode[]

  /** All of them together. Of peers, services and collectors, what each node has said of those that hold most. */
  total: NodeSummary
}

/**
 * What a peer holds on all nodes together
 */
export interface FleetHolder extends ScopeStat {
  peer: string

  /** On how many nodes it is one of those that hold most */
  nodes: number
}
