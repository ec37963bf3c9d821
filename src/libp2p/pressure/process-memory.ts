import { availableResources } from '../../limits/available-resources.ts'
import { parseMemorySize } from '../../limits/memory-size.ts'
import { startClock } from '../../util/clock.ts'
import { checkObject, invalid } from '../../util/validation.ts'
import { refuseForPressure, Thresholds } from './pressure.ts'
import type { Pressure } from './pressure.ts'
import type { MemorySize } from '../../limits/memory-size.ts'
import type { Core } from '../../manager/core.ts'
import type { ProcessMemoryStat } from '../../manager/resource-manager-stat.ts'
import type { Refusal } from '../../scopes/refusal.ts'

/**
 * When inbound connections and streams are refused because the process has too much memory
 */
export interface ProcessMemoryInit {
  /**
   * Above this much resident memory new inbound connections and streams are refused:
   * bytes, `'1.5GB'`, or a percentage of the memory that the process may use
   */
  max: MemorySize

  /**
   * They are accepted again below this
   *
   * @default 90% of `max`
   */
  resume?: MemorySize
}

/**
 * Memory that was given back shows late and in steps
 */
const DEFAULT_RESUME = 0.9

/**
 * How long a reading is used, in ms: reading takes a few microseconds, more than everything
 * else when a stream is admitted
 */
const READING_LIFETIME = 100

/**
 * The resident memory of this process, or `undefined` where that cannot be read, such
 * as in browsers
 */
function residentMemory (): number | undefined {
  return globalThis.process?.memoryUsage?.rss?.()
}

/**
 * @throws {InvalidParametersError} naming the value that cannot be used
 */
export function processMemoryThresholds (init: ProcessMemoryInit): Thresholds {
  checkObject('processMemory', init)

  const available = (): number => availableResources().memory
  const max = parseMemorySize(init.max, 'processMemory.max', available)
  const resume = init.resume === undefined ? Math.floor(max * DEFAULT_RESUME) : parseMemorySize(init.resume, 'processMemory.resume', available)

  if (resume > max) {
    throw invalid('processMemory.resume', `at most processMemory.max, ${max}`, resume)
  }

  return new Thresholds(max, resume)
}

/**
 * Refuses what remotes open while the process has too much memory, whatever uses it. There is
 * no timer: the memory is read when somebody wants to open something, at most every 100 ms.
 */
export class ProcessMemory implements Pressure {
  readonly #manager: Core
  readonly #thresholds: Thresholds
  readonly #read: () => number | undefined
  readonly #now: () => number
  #resident = 0
  #readUntil = -Infinity
  #warned = false

  /**
   * @throws {InvalidParametersError} naming the value that cannot be used
   */
  constructor (manager: Core, init: ProcessMemoryInit, read: () => number | undefined = residentMemory, now: () => number = startClock()) {
    this.#manager = manager
    this.#read = read
    this.#now = now
    this.#thresholds = processMemoryThresholds(init)
  }

  find (request: 'connection' | 'stream'): Refusal | undefined {
    this.#update()

    return this.#thresholds.exceeded ? refuseForPressure('processMemory', request, this.#resident, this.#thresholds.max) : undefined
  }

  stat (): ProcessMemoryStat {
    this.#update()

    const { exceeded, max, resume } = this.#thresholds

    return { resident: this.#resident, max, resume, refusing: exceeded }
  }

  #update (): void {
    const now = this.#now()

    if (now < this.#readUntil) {
      return
    }

    this.#readUntil = now + READING_LIFETIME
    this.#resident = this.#tryRead() ?? this.#resident
    this.#thresholds.update(this.#resident)
  }

  /**
   * Nothing where the memory cannot be read, which is said once
   */
  #tryRead (): number | undefined {
    let reason = 'there is no way to'

    try {
      const resident = this.#read()

      if (resident != null) {
        return resident
      }
    } catch (err) {
      reason = String(err)
    }

    if (!this.#warned) {
      this.#warned = true
      this.#manager.warn(`cannot read the memory of the process - ${reason}`)
    }
  }
}
