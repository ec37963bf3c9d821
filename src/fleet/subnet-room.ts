import { LIMIT_FIELDS } from '../limits/limit.ts'
import { NetworkMap } from '../util/network-map.ts'
import { SubnetTable } from '../util/subnet-table.ts'
import type { GiveWay, YieldingScope } from './give-way.ts'
import type { LeasedScope } from './lease.ts'
import type { FleetMember } from '../manager/fleet-link.ts'
import type { DefaultConnectionScope } from '../scopes/connection-scope.ts'
import type { IPAddress } from '../util/ip-address.ts'
import type { IPNetwork } from '../util/ip-network.ts'

/**
 * The field that subnets have a limit of
 */
export const CONNS = LIMIT_FIELDS.indexOf('conns')

export interface SubnetRoomInit {
  member: FleetMember

  /** Ends connections of what has too many */
  yielding: GiveWay
}

/**
 * All subnets of one size
 */
export interface Level {
  readonly version: 4 | 6
  readonly limit: number
  counts: SubnetTable

  /** Of those that are leased */
  readonly rooms: NetworkMap<SubnetRoom>
}

export function makeLevel (version: 4 | 6, prefixLength: number, limit: number): Level {
  return { version, limit, counts: new SubnetTable(prefixLength), rooms: new NetworkMap() }
}

interface SubnetOf {
  readonly level: Level

  /** Whether an address that is in it counts for it */
  counts(ip: IPAddress): boolean
}

/**
 * The room that a subnet or network has
 */
export class SubnetRoom implements LeasedScope, YieldingScope {
  readonly key: string
  readonly network: IPNetwork
  readonly limit: number

  readonly subnet?: SubnetOf
  readonly #init: SubnetRoomInit

  /** Connections, where they are not in a table */
  count = 0
  room: number
  wanted = false

  /**
   * @param init
   * @param network
   * @param limit
   * @param subnet - set for a subnet; a network has a limit of its own, and no level
   */
  constructor (init: SubnetRoomInit, network: IPNetwork, limit: number, subnet?: SubnetOf) {
    this.key = `subnet:${network}`
    this.network = network
    this.limit = limit
    this.room = limit
    this.subnet = subnet
    this.#init = init
  }

  get ahead (): boolean {
    return this.subnet === undefined
  }

  held (): number {
    return this.subnet?.level.counts.get(this.network.address) ?? this.count
  }

  setRoom (_field: number, room: number): void {
    this.room = Math.min(room, this.limit)
  }

  /**
   * The youngest connections that count for it end, unless they are trusted
   */
  giveWay (field: number, to: number): void {
    // nobody ends here, see ScopeRoom
    if (this.subnet !== undefined && this.#init.member.enforces) {
      this.#init.yielding.add(this, field, to)
    }
  }

  roomOf (): number {
    return this.room
  }

  yields ({ countedAddress, endpoint, peerScope }: DefaultConnectionScope): boolean {
    const { admission } = this.#init.member.metricsSource.graph
    const ip = countedAddress as IPAddress | undefined

    return ip !== undefined && this.network.contains(ip) && this.subnet?.counts(ip) === true &&
      (peerScope === undefined || admission?.staysAllowlisted(peerScope.peer, { endpoint }) !== true)
  }
}
