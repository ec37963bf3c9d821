import { RESOURCES, shareOf as usedOf } from '../reporting/scope-usage.ts'
import { sliceManager } from '../reporting/sliced-manager.ts'
import { firstOf } from '../util/first-of.ts'
import { ipFromMultiaddrText } from '../util/ip-from-address.ts'
import { IPNetwork } from '../util/ip-network.ts'
import { inSlices } from '../util/slices.ts'
import { toText } from './answers.ts'
import { FleetNodes } from './fleet-nodes.ts'
import type { AdminStat } from './admin-stat.ts'
import type { DescribedMarks } from './described-marks.ts'
import type { BarStat, GroupStat, LiveData, LiveSample, NetworkStat, PeakStat, PeerStat, ServiceStat, SessionStat } from './live-data.ts'
import type { ResourceManager } from '../interface.ts'
import type { Holder } from '../manager/resource-manager-stat.ts'
import type { ScopeUsage } from '../reporting/scope-usage.ts'
import type { Run, SlicedResourceManager } from '../reporting/sliced-manager.ts'
import type { DescribedMark } from '../reporting/usual-use.ts'
import type { ScopeStat } from '../scopes/resource-scope.ts'
import type { Slice } from '../util/slices.ts'

/**
 * How many of each are sent. Those left out are the emptiest, smallest and oldest.
 */
const MAX_BARS = 60
const MAX_PEAKS = 40
const MAX_GROUPS = 30
const MAX_RECENT = 40

/**
 * As full scopes are shared (`fairness.networks`)
 */
const NETWORK_BITS = { 4: 16, 6: 32 }

type Steps<T> = Generator<undefined, T, undefined>

interface Groups<T> {
  first: T[]

  /** How many there are */
  count: number
}

export function connectionsOf ({ numConnsInbound, numConnsOutbound }: ScopeStat): number {
  return numConnsInbound + numConnsOutbound
}

export function streamsOf ({ numStreamsInbound, numStreamsOutbound }: ScopeStat): number {
  return numStreamsInbound + numStreamsOutbound
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

function * networksOf (holders: Holder[], slice: Slice): Steps<Groups<NetworkStat>> {
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

function * peersOf (peers: Record<string, ScopeStat>, connections: number, slice: Slice): Steps<Groups<PeerStat>> {
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

function * servicesOf (manager: ResourceManager, services: Record<string, ScopeStat>, slice: Slice): Steps<Groups<ServiceStat>> {
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

function * sessionsOf ({ sessions }: ResourceManager, slice: Slice): Steps<Groups<SessionStat>> {
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

/**
 * Scopes that more depends on first
 */
const KINDS: readonly string[] = ['system', 'transient', 'allowlistedSystem', 'allowlistedTransient', 'service', 'protocol', 'peer']
const ALWAYS = 4

type Ranked = Pick<ScopeUsage, 'kind' | 'percent'>

function rankOf ({ kind }: Ranked): number {
  const rank = KINDS.indexOf(kind)

  return rank === -1 ? KINDS.length : rank
}

function fullest (a: Ranked, b: Ranked): number {
  return b.percent - a.percent || rankOf(a) - rankOf(b)
}

/**
 * Those to show, of all that are in use
 */
function * barsOf (used: ScopeUsage[], peaks: Map<string, DescribedMark>, slice: Slice): Steps<BarStat[]> {
  const first = yield * firstOf(used, MAX_BARS, fullest, slice)
  const shown = new Set(first)
  const always: ScopeUsage[] = []

  for (const bar of used) {
    if (rankOf(bar) < ALWAYS && !shown.has(bar)) {
      always.push(bar)
    }

    if (slice.over) {
      yield
    }
  }

  return [...first, ...always.sort(fullest)].map(bar => {
    const mark = peaks.get(keyOf(bar))

    return mark === undefined ? bar : { ...bar, peak: { value: mark.value, time: mark.time } }
  })
}

function keyOf ({ direction, resource, scope }: Pick<BarStat, 'scope' | 'resource' | 'direction'>): string {
  return `${scope} ${resource} ${direction}`
}

function * peaksOf (marks: DescribedMark[], slice: Slice): Steps<PeakStat[]> {
  const limited: PeakStat[] = []

  for (const { field, kind, limit, p99, scope, time, value } of marks) {
    if (limit !== Infinity) {
      limited.push({ kind, scope, ...RESOURCES[field], value, limit, percent: 100 * usedOf(value, limit), time, p99 })
    }

    if (slice.over) {
      yield
    }
  }

  return yield * firstOf(limited, MAX_PEAKS, fullest, slice)
}

/**
 * All that is known of a node at one time, and what it cost to find out
 */
export interface Snapshot {
  data: LiveData

  /** The same in JSON */
  text: string

  /** How long it has held the event loop, in ms, in slices of a millisecond */
  duration: number
}

/**
 * Takes snapshots of a node, in slices
 */
export class Snapshots {
  readonly #manager: ResourceManager
  readonly #sliced: SlicedResourceManager
  readonly #run: Run
  readonly #marks: DescribedMarks
  readonly #fleet: FleetNodes
  #duration = 0

  constructor (manager: ResourceManager, marks: DescribedMarks) {
    this.#manager = manager
    this.#marks = marks
    this.#run = async (work) => inSlices(work, duration => { this.#duration += duration })
    this.#sliced = sliceManager(manager, this.#run)
    this.#fleet = new FleetNodes(manager)
  }

  /**
   * Takes a snapshot. Wait for one before you take the next.
   */
  async take (sample: LiveSample, admin: AdminStat): Promise<Snapshot> {
    const sliced = this.#sliced

    this.#duration = 0

    const stat = await sliced.stat()
    const used = await sliced.usage({ minPercent: 0 })
    const holders = await sliced.holders({ top: Number.MAX_SAFE_INTEGER })
    const marks = await this.#marks.list(this.#run)
    const data = await this.#run(slice => this.#summarize({ stat, used, holders, marks, sample, admin }, slice))
    const text = await this.#run(slice => textOf(data, slice))

    return { data, text, duration: this.#duration }
  }

  * #summarize ({ admin, holders, marks, sample, stat, used }: Readings, slice: Slice): Steps<LiveData> {
    const manager = this.#manager
    const all = used.length
    const bars = yield * barsOf(used, new Map(marks.map(mark => [keyOf({ ...mark, ...RESOURCES[mark.field] }), mark])), slice)
    const peaks = yield * peaksOf(marks, slice)
    const networks = yield * networksOf(holders, slice)
    const peers = yield * peersOf(stat.peers, sample.connections, slice)
    const services = yield * servicesOf(manager, stat.services, slice)
    const sessions = yield * sessionsOf(manager, slice)

    return {
      sample,
      bars,
      moreBars: all - bars.length,
      refusals: manager.refusals(),
      recentRefusals: manager.recentRefusals().slice(0, MAX_RECENT),
      evictions: manager.evictions(),
      recentEvictions: manager.recentEvictions().slice(0, MAX_RECENT),
      peaks,
      networks: networks.first,
      networkCount: networks.count,
      peers: peers.first,
      peerCount: peers.count,
      services: services.first,
      serviceCount: services.count,
      sessions: sessions.first,
      sessionCount: sessions.count,
      admin: { ...admin },
      ...stat.fleet === undefined ? {} : { fleet: { ...stat.fleet, ...this.#fleet.read() } }
    }
  }
}

interface Readings {
  stat: Awaited<ReturnType<SlicedResourceManager['stat']>>
  used: ScopeUsage[]
  holders: Holder[]
  marks: DescribedMark[]
  sample: LiveSample
  admin: AdminStat
}

/**
 * In JSON, part by part
 */
function * textOf (data: LiveData, slice: Slice): Steps<string> {
  const parts: string[] = []

  for (const [name, value] of Object.entries(data)) {
    parts.push(`${JSON.stringify(name)}:${toText(value)}`)

    if (performance.now() > slice.end) {
      yield
    }
  }

  return `{${parts.join()}}`
}
