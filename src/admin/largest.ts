import { connectionsOf, streamsOf } from '../reporting/scope-usage.ts'
import { firstOf } from '../util/first-of.ts'
import { ipFromMultiaddrText } from '../util/ip-from-address.ts'
import { IPNetwork } from '../util/ip-network.ts'
import type { GroupStat, NetworkStat, PeerStat, ServiceStat, SessionStat } from './live-data.ts'
import type { ResourceManager } from '../interface.ts'
import type { Holder } from '../manager/resource-manager-stat.ts'
import type { ScopeStat } from '../scopes/resource-scope.ts'
import type { Slice, Steps } from '../util/slices.ts'

/**
 * How many of each are sent. The smallest are left out.
 */
const MAX_GROUPS = 30

/**
 * As full scopes are shared (`fairness.networks`)
 */
const NETWORK_BITS = { 4: 16, 6: 32 }

interface Groups<T> {
  first: T[]

  /** How many there are */
  count: number
}

function byMost (a: GroupStat, b: GroupStat): number {
  return b.connections - a.connections || b.streams - a.streams || b.memory - a.memory
}

function shareOf (part: number, all: number): number {
  return all === 0 ? 0 : part / all
}

function networkOf (address: string): string {
  const ip = ipFromMultiaddrText(address)

  if (ip == null) {
    return address.includes('/p2p-circuit') ? 'relayed' : 'no IP address'
  }

  return String(new IPNetwork(ip, NETWORK_BITS[ip.version]))
}

export function * networksOf (holders: Holder[], slice: Slice): Steps<Groups<NetworkStat>> {
  const networks = new Map<string, NetworkStat>()
  let all = 0

  for (const { address, memory, streams } of holders) {
    // streams have no address of their own: they count with their connections
    if (address != null) {
      const network = networkOf(address)
      const entry = networks.get(network) ?? { network, connections: 0, streams: 0, memory: 0, share: 0 }

      networks.set(network, entry)
      all++
      entry.connections++
      entry.streams += streams
      entry.memory += memory
    }

    if (slice.over) {
      yield
    }
  }

  const first = yield * firstOf(networks.values(), MAX_GROUPS, byMost, slice)

  first.forEach(entry => { entry.share = shareOf(entry.connections, all) })

  return { first, count: networks.size }
}

export function * peersOf (peers: Record<string, ScopeStat>, connections: number, slice: Slice): Steps<Groups<PeerStat>> {
  const result: PeerStat[] = []

  for (const peer of Object.keys(peers)) {
    const held = peers[peer]

    result.push({ peer, connections: connectionsOf(held), streams: streamsOf(held), memory: held.memory, share: shareOf(connectionsOf(held), connections) })

    if (slice.over) {
      yield
    }
  }

  return { first: yield * firstOf(result, MAX_GROUPS, byMost, slice), count: result.length }
}

export function * servicesOf (manager: ResourceManager, services: Record<string, ScopeStat>, slice: Slice): Steps<Groups<ServiceStat>> {
  const result: ServiceStat[] = []

  for (const [service, stat] of Object.entries(services)) {
    result.push({
      service,
      memory: stat.memory,
      memoryLimit: manager.viewService(service, scope => scope.limit.memory),
      connections: connectionsOf(stat),
      streams: streamsOf(stat)
    })

    if (slice.over) {
      yield
    }
  }

  return { first: yield * firstOf(result, MAX_GROUPS, (a, b) => b.memory - a.memory || b.streams - a.streams, slice), count: result.length }
}

export function * sessionsOf ({ sessions }: ResourceManager, slice: Slice): Steps<Groups<SessionStat>> {
  const result: SessionStat[] = []

  for (const collector of sessions.collectors()) {
    for (const { id, peer, reference, rxBitrate, rxBytes, txBitrate, txBytes } of sessions.active(collector)) {
      result.push({ collector, id, reference, peer, rxBitrate, txBitrate, rxBytes, txBytes })

      if (slice.over) {
        yield
      }
    }
  }

  return { first: yield * firstOf(result, MAX_GROUPS, (a, b) => b.rxBitrate + b.txBitrate - a.rxBitrate - a.txBitrate, slice), count: result.length }
}
