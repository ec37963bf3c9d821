/**
 * What the process has too much to do with: its memory, and the delay of its event loop.
 *
 * In: the resident memory of the process, and how late a timer is.
 * Out: a refusal of what strangers open, while a figure is above `max` and until it is below
 * `resume`.
 * Fails: where a figure cannot be read, the log says so once, and nothing is refused.
 * Costs: one timer, and the memory is read ten times a second at most.
 */

import { ANY } from '../../util/description.ts'
import { EventLoopDelay, eventLoopDelayThresholds } from './event-loop-delay.ts'
import { Pressures } from './pressure.ts'
import { ProcessMemory, processMemoryThresholds } from './process-memory.ts'
import type { EventLoopDelayInit } from './event-loop-delay.ts'
import type { ProcessMemoryInit } from './process-memory.ts'
import type { Core } from '../../manager/core.ts'
import type { NodeStat } from '../../manager/resource-manager-stat.ts'
import type { Refusal } from '../../scopes/refusal.ts'
import type { DescriptionOf } from '../../util/description.ts'

/**
 * The options about what the process has too much of
 */
export interface PressureInit {
  /**
   * Refuses inbound connections and streams while the process has more resident memory than
   * `max`, whatever uses it, until it has less than `resume`. Meanwhile, a tenth of the
   * buffered bytes is given up every second. What this node opens and allowlisted addresses are
   * not affected. Where the memory cannot be read, such as in browsers, the log says so once,
   * and nothing is refused. `processMemory: { max: '80%' }` is enough.
   *
   * A stand-alone manager does not do this.
   *
   * @default undefined
   */
  processMemory?: ProcessMemoryInit

  /**
   * Refuses inbound connections and streams while the event loop is more than `max` ms late,
   * because the process cannot keep up, until it is less than `resume` ms late. What this
   * node opens and allowlisted addresses are not affected. `eventLoopDelay: { max: 500 }` is
   * enough.
   *
   * A stand-alone manager does not do this.
   *
   * @default undefined
   */
  eventLoopDelay?: EventLoopDelayInit
}

/**
 * Checks these options where nobody is going to observe the process
 *
 * @throws {InvalidParametersError} naming the value that cannot be used
 */
export function checkPressure ({ eventLoopDelay, processMemory }: PressureInit): void {
  if (processMemory != null) {
    processMemoryThresholds(processMemory)
  }

  if (eventLoopDelay != null) {
    eventLoopDelayThresholds(eventLoopDelay)
  }
}

/**
 * The readings of the process that the options ask for
 */
export class ProcessPressure extends Pressures {
  readonly #processMemory?: ProcessMemory
  readonly #eventLoopDelay?: EventLoopDelay

  /**
   * @throws {InvalidParametersError} naming the value that cannot be used
   */
  constructor (manager: Core, init: PressureInit) {
    const processMemory = init.processMemory == null ? undefined : new ProcessMemory(manager, init.processMemory)
    const eventLoopDelay = init.eventLoopDelay == null ? undefined : new EventLoopDelay(init.eventLoopDelay)

    super([processMemory, eventLoopDelay].filter(pressure => pressure != null))

    this.#processMemory = processMemory
    this.#eventLoopDelay = eventLoopDelay
  }

  findProcessRefusal (): Refusal | undefined {
    return this.#processMemory?.find('stream')
  }

  start (): void {
    this.#eventLoopDelay?.start()
  }

  stop (): void {
    this.#eventLoopDelay?.stop()
  }

  /**
   * The figures that are observed
   */
  stat (): Pick<NodeStat, 'processMemory' | 'eventLoopDelay'> {
    return {
      ...(this.#processMemory == null ? {} : { processMemory: this.#processMemory.stat() }),
      ...(this.#eventLoopDelay == null ? {} : { eventLoopDelay: this.#eventLoopDelay.stat() })
    }
  }
}

const THRESHOLDS = { max: ANY, resume: ANY } as const

/**
 * What the process has too much of
 */
export const PRESSURE_OPTIONS = {
  processMemory: THRESHOLDS,
  eventLoopDelay: THRESHOLDS
} as const satisfies DescriptionOf<PressureInit>
