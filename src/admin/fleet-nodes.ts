import { performance } from 'node:perf_hooks'
import { DefaultResourceManager } from '../manager/resource-manager.ts'
import type { FleetView } from './live-data.ts'
import type { FleetNodeStat } from '../fleet/fleet-stat.ts'
import type { ResourceManager } from '../interface.ts'

/**
 * How often the fleet is asked at most while there are listeners, in ms
 */
const INTERVAL = 5_000

/**
 * What the nodes of a fleet have told each other. A snapshot does not wait for the answer of
 * the fleet: the next one has it.
 */
export class FleetNodes {
  readonly #manager: ResourceManager
  readonly #now: () => number
  #nodes: FleetNodeStat[] = []
  #answeredAt = -Infinity
  #askedAt = -Infinity
  #asking = false

  constructor (manager: ResourceManager, now: () => number = () => performance.now()) {
    this.#manager = manager
    this.#now = now
  }

  /**
   * What the fleet has said last
   */
  read (): Pick<FleetView, 'members' | 'membersAge'> {
    const now = this.#now()

    if (!this.#asking && now - this.#askedAt >= INTERVAL) {
      this.#askedAt = now
      void this.#ask()
    }

    return {
      members: this.#nodes.map(({ age, node, peerCount, system }) => ({ node, age, peerCount, system })),
      membersAge: now - this.#answeredAt
    }
  }

  async #ask (): Promise<void> {
    this.#asking = true

    try {
      if (this.#manager instanceof DefaultResourceManager && this.#manager.fleet !== undefined) {
        this.#nodes = (await this.#manager.fleet.stat()).nodes
        this.#answeredAt = this.#now()
      }
    } catch {
      // how old it is, and why the fleet does not answer, is in what the node knows of it
    } finally {
      this.#asking = false
    }
  }
}
