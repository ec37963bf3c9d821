import type { BanTarget } from './ban-target.ts'
import type { BansInit } from './bans-init.ts'
import type { IPAddress } from '../util/ip-address.ts'
import type { IPNetwork } from '../util/ip-network.ts'

/**
 * What a ban applies to: a peer, one host (an IPv4 address or an IPv6 /56), or a subnet (/24 or
 * /48)
 */
export type BanLevel = 'peer' | 'host' | 'subnet'

export const BAN_LEVELS: readonly BanLevel[] = ['peer', 'host', 'subnet']

/**
 * Somebody who is banned
 */
export interface Ban {
  /** What it applies to */
  level: BanLevel

  /** A peer id, or a network such as `192.0.2.1/32` */
  target: string

  /** Who has decided it: the number of strikes, or the operator of this node with `bans.add` */
  by: 'strikes' | 'operator'

  /** Why, in a few words, for people. A remote may have a say in it. */
  reason: string

  /** Of a peer, where it was last: an IP address, as far as it is known */
  address?: string

  /** When it began, in ms since 1970 */
  begin: number

  /** When it ends, in ms since 1970 */
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

/**
 * What strikes are for
 */
export type StrikeKind = 'refusal' | 'eviction' | 'report'

/**
 * Options of `bans.add`
 */
export interface BanOptions {
  /**
   * How long, in ms, up to a year
   *
   * @default `bans.duration`, with its random part
   */
  duration?: number

  /**
   * For the log and for `list`
   *
   * @default 'by the operator'
   */
  reason?: string
}

/**
 * Who is banned, which can be changed at any time
 */
export interface Bans {
  /**
   * Those who are banned now: peers first, then hosts, then subnets
   */
  list(): Ban[]

  /**
   * Bans a peer, an IP address or a network, and ends what there is with it. A ban of an
   * address does not affect allowlisted peers there.
   *
   * @throws {InvalidParametersError} if it is nobody, if the peer is allowlisted, or naming
   * the option that cannot be used
   */
  add(target: BanTarget, options?: BanOptions): Ban

  /**
   * Ends a ban, and forgets the strikes that have led to it
   *
   * @returns Whether there was one
   * @throws {InvalidParametersError} if it is nobody
   */
  lift(target: BanTarget): boolean

  /**
   * Changes the option `bans` while the node runs. Options that are left out stay as they are,
   * and so do existing bans.
   *
   * @throws {InvalidParametersError} naming the value that cannot be used. Nothing has changed
   * then.
   */
  set(options: BansInit): void
}
