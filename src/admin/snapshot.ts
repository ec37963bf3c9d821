import { sliceManager } from '../reporting/sliced-manager.ts'
import { inSlices } from '../util/slices.ts'
import { toText } from './answers.ts'
import { FleetNodes } from './fleet-nodes.ts'
import { barsOf, peaksOf } from './fullest.ts'
import { networksOf, peersOf, servicesOf, sessionsOf } from './largest.ts'
import type { AdminStat } from './admin-stat.ts'
import type { DescribedMarks } from './described-marks.ts'
import type { LiveData, LiveSample } from './live-data.ts'
import type { ResourceManager } from '../interface.ts'
import type { Holder } from '../manager/resource-manager-stat.ts'
import type { ScopeUsage } from '../reporting/scope-usage.ts'
import type { Run, SlicedResourceManager } from '../reporting/sliced-manager.ts'
import type { DescribedMark } from '../reporting/usual-use.ts'
import type { Slice, Steps } from '../util/slices.ts'

/**
 * How many of each are sent. Those left out are the oldest.
 */
const MAX_RECENT = 40

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
    const bars = yield * barsOf(used, marks, slice)
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
