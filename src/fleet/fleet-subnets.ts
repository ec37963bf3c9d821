import { LIMIT_FIELDS } from '../limits/limit.ts'
import { Rule } from '../scopes/refusal.ts'
import { oneConnection } from '../scopes/usage.ts'
import { ipFromMultiaddr } from '../util/ip-from-address.ts'
import { IPNetwork } from '../util/ip-network.ts'
import { NetworkMap } from '../util/network-map.ts'
import { SubnetTable } from '../util/subnet-table.ts'
import { endNewest } from './end-newest.ts'
import type { LeasedScope } from './lease.ts'
import type { Leases } from './leases.ts'
import type { SharedSubnets } from '../admission/admission.ts'
import type { ResolvedSubnetLimits } from '../admission/subnet-limits.ts'
import type { FleetMember } from '../manager/fleet-link.ts'
import type { Refusal } from '../scopes/refusal.ts'
import type { IPAddress } from '../util/ip-address.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

const RULES = {
  subnet: new Rule<IPNetwork>('subnet', { setting: ['fleet', 'limits', 'subnets'] }),
  network: new Rule<IPNetwork>('network', { setting: ['fleet', 'limits', 'subnets'] })
}

const CONNS = LIMIT_FIELDS.indexOf('conns')

export interface FleetSubnetsInit {
  member: FleetMember
  leases: Leases
  limits: ResolvedSubnetLimits

  /** There is something to ask for */
  wanted(): void

  /** A connection has ended because the fleet had too many */
  ended(): void
}

/**
 * All subnets of one size
 */
interface Level {
  readonly version: 4 | 6
  readonly limit: number
  readonly counts: SubnetTable

  /** Of those that are leased */
  readonly rooms: NetworkMap<SubnetRoom>
}

/**
 * The limits that a fleet has for the connections of subnets and networks
 */
export class FleetSubnets implements SharedSubnets {
  readonly #init: FleetSubnetsInit
  readonly #levels: Level[]
  readonly #networks = new NetworkMap<SubnetRoom>()
  readonly #rooms = new Set<SubnetRoom>()

  constructor (init: FleetSubnetsInit) {
    const { ipv4, ipv6, prefixes } = init.limits

    this.#init = init
    this.#levels = [
      ...ipv4.map(({ connCount, prefixLength }) => makeLevel(4, prefixLength, connCount)),
      ...ipv6.map(({ connCount, prefixLength }) => makeLevel(6, prefixLength, connCount))
    ].filter(({ limit }) => limit !== Infinity)

    for (const { connCount, network } of prefixes) {
      this.#networks.set(network, new SubnetRoom(this.#init, network, connCount, true))
    }

    // those that are open already
    for (const { closed, countedAddress } of init.member.metricsSource.graph.connections) {
      closed || countedAddress === undefined || this.#count(countedAddress as IPAddress, 1)
    }

    for (const { network, connCount } of prefixes) {
      const room = this.#networks.get(network)

      if (room !== undefined && connCount !== Infinity) {
        this.#lease(room)
      }
    }
  }

  stop (): void {
    for (const room of this.#rooms) {
      this.#init.leases.remove(room)
    }

    this.#rooms.clear()
  }

  add (ip: IPAddress, direction: MessageStreamDirection): Refusal | undefined {
    const full = this.peek(ip, direction)

    if (full === undefined) {
      this.#count(ip, 1)
    } else {
      this.#init.wanted()
    }

    return full
  }

  peek (ip: IPAddress, direction: MessageStreamDirection): Refusal | undefined {
    const network = this.#networks.match(ip)

    if (network !== undefined) {
      return network.count < network.room ? undefined : this.#refuse(network, direction, network.network, network.count, network.room)
    }

    for (const { counts, limit, rooms, version } of this.#levels) {
      if (version !== ip.version) {
        continue
      }

      const count = counts.get(ip)
      const room = rooms.match(ip)

      if (count >= (room?.room ?? this.#init.leases.allowanceOf(limit))) {
        const subnet = new IPNetwork(ip, counts.prefixLength)

        return this.#refuse(room ?? this.#make(subnet, limit, counts, rooms), direction, subnet, count, room?.room ?? this.#init.leases.allowanceOf(limit))
      }
    }
  }

  remove (ip: IPAddress): void {
    this.#count(ip, -1)
  }

  /**
   * Leases room for the subnets that have connections, and gives back that of the others
   */
  look (): void {
    for (const { counts, limit, rooms, version } of this.#levels) {
      counts.forEach(version, ip => {
        if (rooms.match(ip) === undefined) {
          this.#make(new IPNetwork(ip, counts.prefixLength), limit, counts, rooms)
        }
      })
    }

    for (const room of this.#rooms) {
      if (!room.ahead && room.held() === 0 && !room.wanted) {
        room.rooms?.delete(room.network)
        this.#rooms.delete(room)
        this.#init.leases.remove(room)
      }

      room.wanted = false
    }
  }

  #refuse (room: SubnetRoom, direction: MessageStreamDirection, subject: IPNetwork, current: number, limit: number): Refusal {
    room.wanted = true
    this.#init.leases.short(room.key, CONNS)

    return RULES[room.ahead ? 'network' : 'subnet'].refuse('subnet', oneConnection(direction === 'inbound', false), current, limit, subject)
  }

  #make (network: IPNetwork, limit: number, counts: SubnetTable, rooms: NetworkMap<SubnetRoom>): SubnetRoom {
    const room = new SubnetRoom(this.#init, network, limit, false, counts, rooms)

    rooms.set(network, room)
    this.#lease(room)

    return room
  }

  #lease (room: SubnetRoom): void {
    this.#rooms.add(room)
    this.#init.leases.add(room, [[CONNS, room.limit]])
  }

  #count (ip: IPAddress, change: 1 | -1): void {
    const network = this.#networks.match(ip)

    if (network !== undefined) {
      network.count = Math.max(0, network.count + change)
      return
    }

    for (const { counts, version } of this.#levels) {
      if (version === ip.version) {
        const position = counts.find(ip)
        const count = counts.valueAt(position) + change

        if (count > 0) {
          counts.put(position, ip, count)
        } else if (counts.valueAt(position) !== 0) {
          counts.removeAt(position)
        }
      }
    }
  }
}

function makeLevel (version: 4 | 6, prefixLength: number, limit: number): Level {
  return { version, limit, counts: new SubnetTable(prefixLength), rooms: new NetworkMap() }
}

/**
 * The room that a subnet or network has
 */
class SubnetRoom implements LeasedScope {
  readonly key: string
  readonly ahead: boolean
  readonly network: IPNetwork
  readonly limit: number
  readonly rooms?: NetworkMap<SubnetRoom>
  readonly #counts?: SubnetTable
  readonly #init: FleetSubnetsInit

  /** Connections, where they are not in a table */
  count = 0
  room: number
  wanted = false

  constructor (init: FleetSubnetsInit, network: IPNetwork, limit: number, ahead: boolean, counts?: SubnetTable, rooms?: NetworkMap<SubnetRoom>) {
    this.key = `subnet:${network}`
    this.ahead = ahead
    this.network = network
    this.limit = limit
    this.room = limit
    this.rooms = rooms
    this.#counts = counts
    this.#init = init
  }

  held (): number {
    return this.#counts?.get(this.network.address) ?? this.count
  }

  setRoom (_field: number, room: number): void {
    this.room = Math.min(room, this.limit)
  }

  giveWay (_field: number, to: number): void {
    if (this.ahead || !this.#init.member.enforces) {
      return
    }

    const connections = [...this.#init.member.metricsSource.graph.connections]
      .filter(({ endpoint }) => {
        const ip = endpoint == null ? undefined : ipFromMultiaddr(endpoint)

        return ip != null && this.network.contains(ip)
      })
      .sort((a, b) => b.serial - a.serial)

    endNewest(connections, () => this.held() > to, this.key, this.#init.ended)
  }
}
