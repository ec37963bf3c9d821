import { Rule } from '../scopes/refusal.ts'
import { oneConnection } from '../scopes/usage.ts'
import { IPNetwork } from '../util/ip-network.ts'
import { NetworkMap } from '../util/network-map.ts'
import { SubnetTable } from '../util/subnet-table.ts'
import { sharedLimit } from './shared-limit.ts'
import { CONNS, makeLevel, SubnetRoom } from './subnet-room.ts'
import type { Leases } from './leases.ts'
import type { FleetClock } from './shared-limit.ts'
import type { Level, SubnetRoomInit } from './subnet-room.ts'
import type { SharedSubnets } from '../admission/admission.ts'
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

/**
 * How many addresses are kept for the next scan. If there are more, it reads all connections
 */
const MAX_FIRST = 1_024

export interface FleetSubnetsInit extends SubnetRoomInit, FleetClock {
  leases: Leases
  limits: ResolvedSubnetLimits

  /**
   * Those that everybody is trusted in: connections with them have no part in these limits
   */
  trustedNetworks(): IPNetwork[]

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
  readonly #levels: Level[]
  readonly #networks = new NetworkMap<SubnetRoom>()
  readonly #configured: SubnetRoom[] = []
  readonly #rooms = new Set<SubnetRoom>()

  /** The addresses of subnets that have got their first connection since the last scan: the first ones of them */
  readonly #first: IPAddress[] = []
  #stopped = false

  /** Whether to count again */
  #stale = true
  #trusted = new NetworkMap<IPNetwork>()

  constructor (init: FleetSubnetsInit) {
    const { ipv4, ipv6, prefixes } = init.limits

    this.#init = init
    this.#levels = [
      ...ipv4.map(({ connCount, prefixLength }) => makeLevel(4, prefixLength, connCount)),
      ...ipv6.map(({ connCount, prefixLength }) => makeLevel(6, prefixLength, connCount))
    ].filter(({ limit }) => limit !== Infinity)

    for (const { connCount, network } of prefixes) {
      const room = new SubnetRoom(init, network, connCount)

      this.#configured.push(room)
      this.#networks.set(network, room)
    }

    // what is held is part of what is asked for
    this.#refresh()
    this.#configured.forEach(room => { room.limit === Infinity || this.#lease(room) })
  }

  stop (): void {
    this.#stopped = true

    for (const room of this.#rooms) {
      this.#init.leases.remove(room)
    }

    this.#rooms.clear()
  }

  add (ip: IPAddress, direction: MessageStreamDirection): Refusal | undefined {
    this.#refresh()

    const full = this.#makeRoom(ip)

    if (full === undefined) {
      this.#count(ip, 1)
      return
    }

    return this.#refuse(full, direction)
  }

  peek (ip: IPAddress, direction: MessageStreamDirection): Refusal | undefined {
    this.#refresh()

    const full = this.#findFull(ip)

    return full === undefined ? undefined : this.#refuse(full, direction)
  }

  remove (ip: IPAddress): void {
    // who counts again finds it gone
    this.#stale || this.#count(ip, -1)
  }

  allowlistChanged (): void {
    this.#stale = true
  }

  /**
   * Leases room for the subnets that have connections, and gives back that of the others
   */
  * scan (slice: Slice): Generator<undefined, void, undefined> {
    this.#refresh()

    const first = this.#first.splice(0)

    for (const ip of first.length < MAX_FIRST ? first : this.#addresses()) {
      for (const level of this.#levels) {
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
    if (this.#trusted.match(ip) !== undefined) {
      return
    }

    const network = this.#networks.match(ip)

    if (network !== undefined) {
      return network.count < network.room ? undefined : { room: network, ip, current: network.count, limit: network.room }
    }

    for (const level of this.#levels) {
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
      counts: ip => this.#trusted.match(ip) === undefined && this.#networks.match(ip) === undefined
    })

    level.rooms.set(network, room)
    this.#lease(room)

    return room
  }

  #lease (room: SubnetRoom): void {
    this.#rooms.add(room)
    this.#init.leases.add(room, [[CONNS, room.limit]])
  }

  /**
   * Counts what is open, where it is not known who counts
   */
  #refresh (): void {
    if (!this.#stale) {
      return
    }

    this.#stale = false
    this.#trusted = new NetworkMap()
    this.#init.trustedNetworks().forEach(network => { this.#trusted.set(network, network) })
    this.#levels.forEach(level => { level.counts = new SubnetTable(level.counts.prefixLength) })
    this.#configured.forEach(room => { room.count = 0 })

    for (const { countedAddress } of this.#init.member.metricsSource.graph.connections) {
      countedAddress === undefined || this.#count(countedAddress as IPAddress, 1)
    }
  }

  #count (ip: IPAddress, change: 1 | -1): void {
    if (this.#trusted.match(ip) !== undefined) {
      return
    }

    const network = this.#networks.match(ip)

    if (network !== undefined) {
      network.count = Math.max(0, network.count + change)
      return
    }

    let isFirst = false

    for (const { counts, version } of this.#levels) {
      if (version === ip.version) {
        const position = counts.find(ip)
        const before = counts.valueAt(position)
        const count = before + change

        isFirst ||= before === 0 && count > 0

        if (count > 0) {
          counts.put(position, ip, count)
        } else if (before !== 0) {
          counts.removeAt(position)
        }
      }
    }

    isFirst && this.#first.length < MAX_FIRST && this.#first.push(ip)
  }

  /**
   * Of all connections, from the last one: they may change meanwhile
   */
  * #addresses (): Generator<IPAddress> {
    const { connections } = this.#init.member.metricsSource.graph

    for (let i = connections.size - 1; i >= 0; i--) {
      const ip = connections.at(i)?.countedAddress as IPAddress | undefined

      if (ip !== undefined) {
        yield ip
      }
    }
  }
}
