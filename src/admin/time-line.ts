import { performance } from 'node:perf_hooks'
import { connectionsOf, streamsOf } from '../reporting/scope-usage.ts'
import type { LiveSample } from './live-data.ts'
import type { ResourceManager } from '../interface.ts'

/**
 * How many samples there are: the last ten minutes, second by second
 */
const CAPACITY = 600

function sum (entries: ReadonlyArray<{ count: number }>): number {
  return entries.reduce((sum, { count }) => sum + count, 0)
}

/**
 * The figures that cost little to read
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

/**
 * Remembers the last ten minutes, so that a new page shows how the present came about
 */
export class TimeLine {
  readonly #manager: ResourceManager
  readonly #samples: LiveSample[] = []
  #elu = performance.eventLoopUtilization()

  constructor (manager: ResourceManager) {
    this.#manager = manager
    this.add()
  }

  add (): LiveSample {
    const elu = performance.eventLoopUtilization()
    const sample = takeSample(this.#manager, performance.eventLoopUtilization(elu, this.#elu).utilization)

    this.#elu = elu
    this.#samples.push(sample)

    if (this.#samples.length > CAPACITY) {
      this.#samples.shift()
    }

    return sample
  }

  /**
   * Oldest first
   */
  get samples (): readonly LiveSample[] {
    return this.#samples
  }

  get latest (): LiveSample {
    return this.#samples[this.#samples.length - 1]
  }
}
