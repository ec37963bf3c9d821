import type { IPAddress } from '../util/ip-address.ts'
import type { IPNetwork } from '../util/ip-network.ts'

export type BanLevel = 'peer' | 'host' | 'subnet'

export const BAN_LEVELS: readonly BanLevel[] = ['peer', 'host', 'subnet']

/**
 * Somebody who is banned
 */
export interface Ban {
  level: BanLevel

  /** A peer id, or a network such as `192.0.2.1/32` */
  target: string

  /** Who has decided it: the number of strikes, or the operator of this node with `bans.add` */
  by: 'strikes' | 'operator'
  reason: string

  /** Of a peer, where it was last: an IP address, as far as it is known */
  address?: string

  /** In ms since 1970 */
  begin: number
  end: number
}

/**
 * Where somebody is, as far as its address says it
 */
export interface Place {
  readonly ip: IPAddress

  /** What one operator has all addresses of */
  readonly host: IPNetwork
  readonly subnet: IPNetwork
}

/**
 * A ban, and what it is found by
 */
export interface KnownBan {
  readonly ban: Readonly<Ban>

  /** Of a host or subnet */
  readonly network?: IPNetwork

  /** Of a peer, where it was */
  readonly place?: Place
}
