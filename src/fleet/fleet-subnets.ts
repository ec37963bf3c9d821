import { Rule } from '../scopes/refusal.ts'
import { oneConnection } from '../scopes/usage.ts'
import { IPNetwork } from '../util/ip-network.ts'
import { sharedLimit } from './shared-limit.ts'
import { SubnetCounts } from './subnet-counts.ts'
import { CONNS, makeLevel, SubnetRoom } from './subnet-room.ts'
import type { Leases } from './leases.ts'
import type { FleetClock } from './shared-limit.ts'
import type { SubnetCountsInit } from './subnet-counts.ts'
import type { Level, SubnetRoomInit } from './subnet-room.ts'
import type { SharedSubnets } from '../admission/shared-limits.ts'
import type { ResolvedSubnetLimits } from '../admission/subnet-limits.ts'
import type { Refusal } from '../scopes/refusal.ts'
import type { IPAddress } from '../util/ip-address.ts'
import type { Slice } from '../util/slices.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

const SETTING = ['fleet', 'limits', 'subnets']

const RULES = {
  subnet: new Rule<IPNetwork>('subnet', { setting: SETTING }),
  network: new Rule<IPNetwork>('network', { setting: SETTING })
}

export interface FleetSubnetsInit extends SubnetRoomInit, SubnetCountsInit, FleetClock {
  leases: Leases
  limits: ResolvedSubnetLimits

  /** There is something to ask for */
  wanted(): void
}

/**
 * What has no room for one more connection: a network with a limit of its own, or a subnet, which
 * may have no lease yet
 */
type Full = { readonly ip: IPAddress, readonly current: number, readonly limit: number } & (
  { readonly room: SubnetRoom, readonly level?: undefined } |
  { readonly room?: SubnetRoom, readonly level: Level }
)

/**
 * The limits that a fleet has for the connections of subnets and networks
 */
export class FleetSubnets implements SharedSubnets {
  readonly #init: FleetSubnetsInit
  readonly #counts: SubnetCounts
  readonly #rooms = new Set<SubnetRoom>()
  #stopped = false

  constructor (init: FleetSubnetsInit) {
    const { ipv4, ipv6, prefixes } = init.limits

    this.#init = init

    const levels = [
      ...ipv4.map(({ connCount, prefixLength }) => makeLevel(4, prefixLength, connCount)),
      ...ipv6.map(({ connCount, prefixLength }) => makeLevel(6, prefixLength, connCount))
    ].filter(({ limit }) => limit !== Infinity)
    const configured = prefixes.map(({ connCount, network }) => new SubnetRoom(init, network, connCount))

    // what is held is part of what is asked for
    this.#counts = new SubnetCounts(init, levels, configured)
    this.#counts.refresh()
    configured.forEach(room => { room.limit === Infinity || this.#lease(room) })
  }

  stop (): void {
    this.#stopped = true

    for (const room of this.#rooms) {
      this.#init.leases.remove(room)
    }

    this.#rooms.clear()
  }

  add (ip: IPAddress, direction: MessageStreamDirection): Refusal | undefined {
    const refusal = this.find(ip, direction)

    if (refusal === undefined) {
      this.#counts.add(ip)
    }

    return refusal
  }

  find (ip: IPAddress, direction: MessageStreamDirection): Refusal | undefined {
    this.#counts.refresh()

    const full = this.#makeRoom(ip)

    return full === undefined ? undefined : this.#refuse(full, direction)
  }

  peek (ip: IPAddress, direction: MessageStreamDirection): Refusal | undefined {
    this.#counts.refresh()

    const full = this.#findFull(ip)

    return full === undefined ? undefined : this.#refuse(full, direction)
  }

  remove (ip: IPAddress): void {
    this.#counts.remove(ip)
  }

  allowlistChanged (): void {
    this.#counts.allowlistChanged()
  }

  /**
   * Leases room for the subnets that have connections, and gives back that of the others
   */
  * scan (slice: Slice): Generator<undefined, void, undefined> {
    this.#counts.refresh()

    for (const ip of this.#counts.takeFirst()) {
      for (const level of this.#counts.levels) {
        if (level.version === ip.version && level.counts.get(ip) > 0 && level.rooms.match(ip) === undefined) {
          this.#make(new IPNetwork(ip, level.counts.prefixLength), level)
        }
      }

      if (slice.over) {
        yield

        if (this.#stopped) {
          return
        }
      }
    }

    for (const room of this.#rooms) {
      if (!room.ahead && room.held() === 0 && !room.wanted) {
        room.subnet?.level.rooms.delete(room.network)
        this.#rooms.delete(room)
        this.#init.leases.remove(room)
      }

      room.wanted = false

      if (slice.over) {
        yield

        if (this.#stopped) {
          return
        }
      }
    }
  }

  /**
   * Uses what is leased and was not used yet
   *
   * @returns What is full all the same
   */
  #makeRoom (ip: IPAddress): Full | undefined {
    let full = this.#findFull(ip)

    while (full !== undefined) {
      const room = full.level === undefined ? full.room : full.room ?? this.#make(new IPNetwork(ip, full.level.counts.prefixLength), full.level)

      room.wanted = true
      this.#init.wanted()

      if (!this.#init.leases.short(room.key, CONNS)) {
        return full
      }

      full = this.#findFull(ip)
    }
  }

  /**
   * What has no room for one more connection with an address
   */
  #findFull (ip: IPAddress): Full | undefined {
    if (this.#counts.isTrusted(ip)) {
      return
    }

    const network = this.#counts.networkOf(ip)

    if (network !== undefined) {
      return network.count < network.room ? undefined : { room: network, ip, current: network.count, limit: network.room }
    }

    for (const level of this.#counts.levels) {
      if (level.version === ip.version) {
        const current = level.counts.get(ip)
        const room = level.rooms.match(ip)
        const limit = room?.room ?? this.#init.leases.allowanceOf(level.limit)

        if (current >= limit) {
          return { room, level, ip, current, limit }
        }
      }
    }
  }

  #refuse ({ current, ip, level, limit, room }: Full, direction: MessageStreamDirection): Refusal {
    const { leases } = this.#init
    const rule = RULES[level === undefined ? 'network' : 'subnet']
    const network = level === undefined ? room.network : new IPNetwork(ip, level.counts.prefixLength)
    const refusal = rule.refuse('subnet', oneConnection(direction === 'inbound', false), current, limit, network)

    refusal.shared = sharedLimit(this.#init, SETTING, (level ?? room).limit, limit, current, room === undefined ? undefined : leases.of(room.key, CONNS))

    return refusal
  }

  #make (network: IPNetwork, level: Level): SubnetRoom {
    const room = new SubnetRoom(this.#init, network, level.limit, {
      level,
      counts: ip => !this.#counts.isTrusted(ip) && this.#counts.networkOf(ip) === undefined
    })

    level.rooms.set(network, room)
    this.#lease(room)

    return room
  }

  #lease (room: SubnetRoom): void {
    this.#rooms.add(room)
    this.#init.leases.add(room, [[CONNS, room.limit]])
  }
}
