import type { BanList } from './ban-list.ts'
import type { BanLevel, KnownBan, Place } from './ban.ts'
import type { BansConfig } from './bans-init.ts'
import type { IPNetwork } from '../util/ip-network.ts'

/**
 * How many good connections a host or subnet may have for each offender when it is banned: at
 * most one in ten is good then
 */
const GOOD_PER_OFFENDER = 1 / 9

/**
 * Who else is where an offender is
 */
export interface Neighbours {
  /**
   * Whether many hosts have the addresses there, as the operator of this node has said
   */
  isShared(place: Place): boolean

  /**
   * How many connections there are from a network whose peer is not an offender
   */
  countGood(network: IPNetwork): number
}

interface OffendingNetwork {
  readonly level: BanLevel
  readonly network: IPNetwork
  readonly reason: string
}

/**
 * Finds the hosts and subnets to ban: several offenders are there, and hardly anybody else
 */
export class Offenders {
  readonly #list: BanList
  readonly #neighbours: Neighbours

  constructor (list: BanList, neighbours: Neighbours) {
    this.#list = list
    this.#neighbours = neighbours
  }

  /**
   * The host of a place, and then its subnet, if they are to be banned. The caller bans the
   * host before it asks for the subnet, because the host counts there.
   *
   * @param place
   * @param config
   * @param unproved - whether those there who have not proved who they are have done enough to be
   * one more peer
   */
  * networksOf (place: Place, config: BansConfig, unproved: boolean): Generator<OffendingNetwork> {
    const { hosts, peers } = config
    const { host, subnet } = place

    if (this.#list.findAddress(place.ip) !== undefined || this.#neighbours.isShared(place)) {
      return
    }

    const offenders = (unproved ? 1 : 0) + this.#countBans('peer', other => other.place?.host.toString() === String(host))

    if (offenders < peers || this.#goodAt(host) > offenders * GOOD_PER_OFFENDER) {
      return
    }

    yield { level: 'host', network: host, reason: `${offenders} of its peers are banned` }

    const banned = this.#countBans('host', other => other.place?.subnet.toString() === String(subnet))

    if (subnet.prefixLength < host.prefixLength && banned >= hosts && this.#goodAt(subnet) <= banned * GOOD_PER_OFFENDER) {
      yield { level: 'subnet', network: subnet, reason: `${banned} of its hosts are banned` }
    }
  }

  #goodAt (network: IPNetwork): number {
    return this.#neighbours.countGood(network)
  }

  #countBans (level: BanLevel, matches: (known: KnownBan) => boolean): number {
    return this.#list.all().filter(known => known.ban.level === level && known.ban.by === 'strikes' && matches(known)).length
  }
}
