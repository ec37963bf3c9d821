import { multiaddr } from '@multiformats/multiaddr'
import { ipFromMultiaddr } from '../util/ip-from-address.ts'
import { IPNetwork } from '../util/ip-network.ts'
import type { AdminStat } from './admin-stat.ts'
import type { ResourceManager } from '../interface.ts'
import type { RecentRefusal } from '../reporting/recent-refusals.ts'
import type { RefusalCount } from '../reporting/refusal-counts.ts'
import type { ScopeUsage } from '../reporting/scope-usage.ts'
import type { EvictionCount } from '../scopes/evictions.ts'
import type { ScopeStat } from '../scopes/resource-scope.ts'

/**
 * How many of each are sent. Those left out are the emptiest, smallest and oldest.
 */
const MAX_BARS = 60
const MAX_GROUPS = 30
const MAX_REFUSALS = 40

/**
 * As full scopes are shared (`fairness.networks`)
 */
const NETWORK_BITS = { 4: 16, 6: 32 }

/**
 * What the node holds at one moment
 */
export interface LiveSample {
  /** In ms since 1970 */
  time: number

  /** Of the system scope, in bytes */
  memory: number

  /** Of the process, in bytes */
  resident: number
  connections: number
  streams: number
  fds: number

  /** How often anything was refused since the manager was made */
  refusals: number

  /** How often anything gave way since then */
  evictions: number

  /** The share of its time that the event loop has been busy since the sample before, from 0 to 1 */
  busy: number
}

/** A limit of a scope, and how much of it is in use */
export type BarStat = ScopeUsage

/**
 * What some of the connections and streams hold together
 */
export interface GroupStat {
  connections: number
  streams: number

  /** In bytes */
  memory: number

  /** Its part of all connections of the node, from 0 to 1 */
  share: number
}

/** The connections from one network: a /16 of IPv4, a /32 of IPv6, or no IP address */
export type NetworkStat = GroupStat & { network: string }

export type PeerStat = GroupStat & { peer: string }

export interface ServiceStat {
  service: string
  memory: number

  /** In bytes, `Infinity` where there is none */
  memoryLimit: number
  connections: number
  streams: number
}

/** An active session of a collector, bit rates in bit/s */
export interface SessionStat {
  collector: string
  id: string
  reference: string
  peer: string
  rxBitrate: number
  txBitrate: number
  rxBytes: number
  txBytes: number
}

/**
 * One look at everything, for the live page and `top`. Each is complete, so that none is
 * missed where some are left out.
 */
export interface LiveData {
  sample: LiveSample

  /**
   * Fullest first, and of those that are as full the ones that more depends on. All of the
   * system and transient scopes are there.
   */
  bars: BarStat[]

  /** How many limits are in use that are not in `bars` */
  moreBars: number
  refusals: RefusalCount[]

  /** Latest first */
  recentRefusals: RecentRefusal[]
  evictions: EvictionCount[]

  /** Most connections first */
  networks: NetworkStat[]
  networkCount: number

  /** Most connections and streams first */
  peers: PeerStat[]
  peerCount: number

  /** Most memory first */
  services: ServiceStat[]

  /** Busiest first */
  sessions: SessionStat[]

  /** What this server has done */
  admin: AdminStat

  /** What `stat()` says of other nodes, where there is more than one */
  fleet?: unknown
}

function connectionsOf ({ numConnsInbound, numConnsOutbound }: ScopeStat): number {
  return numConnsInbound + numConnsOutbound
}

function streamsOf ({ numStreamsInbound, numStreamsOutbound }: ScopeStat): number {
  return numStreamsInbound + numStreamsOutbound
}

function byMost (a: GroupStat, b: GroupStat): number {
  return b.connections - a.connections || b.streams - a.streams || b.memory - a.memory
}

function shareOf (part: number, all: number): number {
  return all === 0 ? 0 : part / all
}

function sum (entries: ReadonlyArray<{ count: number }>): number {
  return entries.reduce((sum, { count }) => sum + count, 0)
}

/**
 * What is there at little cost, for the time line
 */
export function takeSample (manager: ResourceManager, busy: number): LiveSample {
  const stat = manager.viewSystem(scope => scope.stat())

  return {
    time: Date.now(),
    memory: stat.memory,
    resident: process.memoryUsage.rss(),
    connections: connectionsOf(stat),
    streams: streamsOf(stat),
    fds: stat.numFD,
    refusals: sum(manager.refusals()),
    evictions: sum(manager.evictions()),
    busy
  }
}

function networkOf (address: string): string {
  const ip = ipFromMultiaddr(multiaddr(address))

  if (ip == null) {
    return address.includes('/p2p-circuit') ? 'relayed' : 'no IP address'
  }

  return String(new IPNetwork(ip, NETWORK_BITS[ip.version]))
}

function networksOf (manager: ResourceManager): NetworkStat[] {
  const networks = new Map<string, NetworkStat>()
  let all = 0

  // streams have no address of their own: they count with their connections
  for (const { address, memory, streams } of manager.holders({ top: Number.MAX_SAFE_INTEGER })) {
    if (address == null) {
      continue
    }

    const network = networkOf(address)
    let entry = networks.get(network)

    if (entry == null) {
      networks.set(network, entry = { network, connections: 0, streams: 0, memory: 0, share: 0 })
    }

    all++
    entry.connections++
    entry.streams += streams
    entry.memory += memory
  }

  return Array.from(networks.values(), entry => ({ ...entry, share: shareOf(entry.connections, all) })).sort(byMost)
}

function servicesOf (manager: ResourceManager, services: Record<string, ScopeStat>): ServiceStat[] {
  return Object.entries(services).map(([service, stat]) => ({
    service,
    memory: stat.memory,
    memoryLimit: manager.viewService(service, scope => scope.limit.memory),
    connections: connectionsOf(stat),
    streams: streamsOf(stat)
  })).sort((a, b) => b.memory - a.memory || b.streams - a.streams)
}

function sessionsOf ({ sessions }: ResourceManager): SessionStat[] {
  return sessions.collectors()
    .flatMap(collector => sessions.active(collector).map(({ id, peer, reference, rxBitrate, rxBytes, txBitrate, txBytes }) => {
      return { collector, id, reference, peer, rxBitrate, txBitrate, rxBytes, txBytes }
    }))
    .sort((a, b) => b.rxBitrate + b.txBitrate - a.rxBitrate - a.txBitrate)
    .slice(0, MAX_GROUPS)
}

/**
 * Scopes that more depends on first
 */
const KINDS: readonly string[] = ['system', 'transient', 'allowlistedSystem', 'allowlistedTransient', 'service', 'protocol', 'peer']
const ALWAYS = 4

function rankOf ({ kind }: ScopeUsage): number {
  const rank = KINDS.indexOf(kind)

  return rank === -1 ? KINDS.length : rank
}

/**
 * Those to show, of all that are in use
 */
function barsOf (all: ScopeUsage[]): BarStat[] {
  const sorted = all.sort((a, b) => b.percent - a.percent || rankOf(a) - rankOf(b))

  return sorted.filter((bar, i) => i < MAX_BARS || rankOf(bar) < ALWAYS)
}

/**
 * A look at everything
 */
export function lookAt (manager: ResourceManager, sample: LiveSample, admin: AdminStat): LiveData {
  const stat = manager.stat()
  const used = manager.usage({ minPercent: 0 })
  const bars = barsOf(used)
  const networks = networksOf(manager)
  const peers = Object.entries(stat.peers)
    .map(([peer, held]) => ({ peer, connections: connectionsOf(held), streams: streamsOf(held), memory: held.memory, share: shareOf(connectionsOf(held), sample.connections) }))
    .sort(byMost)

  return {
    sample,
    bars,
    moreBars: used.length - bars.length,
    refusals: manager.refusals(),
    recentRefusals: manager.recentRefusals().slice(0, MAX_REFUSALS),
    evictions: manager.evictions(),
    networks: networks.slice(0, MAX_GROUPS),
    networkCount: networks.length,
    peers: peers.slice(0, MAX_GROUPS),
    peerCount: peers.length,
    services: servicesOf(manager, stat.services).slice(0, MAX_GROUPS),
    sessions: sessionsOf(manager),
    admin,
    ...'fleet' in stat ? { fleet: stat.fleet } : {}
  }
}
