import type { BanLevel } from '../bans/ban.ts'
import type { StrikeKind } from '../bans/ban.ts'
import type { FleetStat } from '../fleet/fleet-stat.ts'
import type { ScopeStat } from '../scopes/resource-scope.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

/**
 * Options of `holders()`
 */
export interface HoldersOptions {
  /**
   * `'memory'` lists the connections and streams that hold most bytes, `'stream'` the connections
   * with most streams
   *
   * @default 'memory'
   */
  resource?: 'memory' | 'stream'

  /**
   * How many to list
   *
   * @default 10
   */
  top?: number
}

/**
 * A connection or stream and what it holds
 */
export interface Holder {
  /** The name of its scope, such as `conn-7` or `stream-7` */
  scope: string

  /** Who opened it: `'inbound'` if the remote did */
  direction: MessageStreamDirection

  /** The peer id at the other end, once it is known */
  peer?: string

  /** The address at the other end of a connection */
  address?: string

  /** The protocol of a stream, once it is known */
  protocol?: string

  /** The service of a stream or connection, if it belongs to one */
  service?: string

  /** How long ago it was opened, in ms */
  age: number

  /**
   * In bytes: its base cost, what is in its buffers, and what was reserved
   * for it. The memory of a connection does not include that of its streams.
   */
  memory: number

  /** How many streams a connection has. One for a stream. */
  streams: number
}

/**
 * The memory of the process, in bytes
 */
export interface ProcessMemoryStat {
  /** What was read last, in bytes */
  resident: number

  /** Above this many bytes, inbound connections and streams are refused */
  max: number

  /** Below this many bytes, they are accepted again */
  resume: number

  /** Whether they are refused now */
  refusing: boolean
}

/**
 * How late the event loop is, in ms
 */
export interface EventLoopDelayStat {
  /** What was measured last, in ms */
  delay: number

  /** Above this many ms, inbound connections and streams are refused */
  max: number

  /** Below this many ms, they are accepted again */
  resume: number

  /** Whether they are refused now */
  refusing: boolean
}

/**
 * Streams that were closed before their handler had ended
 */
export interface HandlersStat {
  /** How many closed streams keep their slot because their handler still runs */
  running: number

  /** How many handlers ran longer than `handlerGrace`, so that their stream was released without them */
  overdue: number
}

/**
 * How long inbound handshakes and negotiations may take, which is less while the transient
 * scope is full
 */
export interface TransientTimeoutsStat {
  /** The handshake of a connection, in ms */
  connection: number

  /** The negotiation of the protocol of a stream, in ms */
  stream: number

  /** How many were ended earlier than by libp2p, since the start */
  expired: number
}

/**
 * Who is banned, and what for
 */
export interface BansStat {
  /** How many there are now, by level */
  active: Record<BanLevel, number>

  /** How many have begun since the start, by level */
  begun: Record<BanLevel, number>

  /** How many strikes have counted since the start, by their cause */
  strikes: Record<StrikeKind, number>
}

/**
 * A connection whose peer, or a stream whose protocol, is not known yet
 */
export interface TransientHolder {
  /** The name of its scope, such as `conn-7` or `stream-7` */
  scope: string

  /** Who opened it: `'inbound'` if the remote did */
  direction: MessageStreamDirection

  /** The address that a connection is from or to, or the peer that a stream is with */
  remote: string

  /** How long it has been so, in ms */
  age: number
}

/**
 * What everything holds, ready for `JSON.stringify`
 */
export interface ResourceManagerStat {
  /** Everything, but for what is in the allowlisted pair */
  system: ScopeStat

  /** Connections whose peer, and streams whose protocol, is not known yet */
  transient: ScopeStat

  /** What trusted addresses and peers hold beyond the normal system */
  allowlistedSystem: ScopeStat

  /** What of that is transient */
  allowlistedTransient: ScopeStat

  /** By the name of the service */
  services: Record<string, ScopeStat>

  /** By the protocol */
  protocols: Record<string, ScopeStat>

  /** By the peer id */
  peers: Record<string, ScopeStat>

  /**
   * The ten connections and streams that have been in the transient scopes longest, oldest
   * first. Not there in a stand-alone manager.
   */
  transientHolders?: TransientHolder[]

  /** Only where full scopes are shared fairly */
  transientTimeouts?: TransientTimeoutsStat

  /** Only where there is a `bans` option */
  bans?: BansStat

  /** Only where there is a `processMemory` option */
  processMemory?: ProcessMemoryStat

  /** Only where there is an `eventLoopDelay` option */
  eventLoopDelay?: EventLoopDelayStat

  /** What this node last knew of its fleet. Only with the option `fleet`. */
  fleet?: FleetStat

  /** Not there in a stand-alone manager */
  handlers?: HandlersStat
}

/**
 * The part of it that only a node has
 */
export type NodeStat = Pick<ResourceManagerStat, 'transientHolders' | 'transientTimeouts' | 'bans' | 'processMemory' | 'eventLoopDelay' | 'fleet' | 'handlers'>
