import { EventLoopDelay, eventLoopDelayThresholds } from './event-loop-delay.ts'
import { Pressures } from './pressure.ts'
import { ProcessMemory, processMemoryThresholds } from './process-memory.ts'
import type { ResourceManagerInit } from '../resource-manager-init.ts'
import type { NodeStat } from '../resource-manager-stat.ts'
import type { DefaultResourceManager } from '../resource-manager.ts'
import type { AnyRefusal } from '../scopes/refusal.ts'

type PressureInit = Pick<ResourceManagerInit, 'processMemory' | 'eventLoopDelay'>

/**
 * Checks these options where nobody is going to watch the process
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
 * What the process has too much of, as far as the options say that it matters
 */
export class ProcessPressure extends Pressures {
  readonly #processMemory?: ProcessMemory
  readonly #eventLoopDelay?: EventLoopDelay

  /**
   * @throws {InvalidParametersError} naming the value that cannot be used
   */
  constructor (manager: DefaultResourceManager, init: PressureInit) {
    const processMemory = init.processMemory == null ? undefined : new ProcessMemory(manager, init.processMemory)
    const eventLoopDelay = init.eventLoopDelay == null ? undefined : new EventLoopDelay(init.eventLoopDelay)

    super(manager, [processMemory, eventLoopDelay].filter(pressure => pressure != null))

    this.#processMemory = processMemory
    this.#eventLoopDelay = eventLoopDelay
  }

  findProcessShortage (): AnyRefusal | undefined {
    return this.#processMemory?.find('stream')
  }

  start (): void {
    this.#eventLoopDelay?.start()
  }

  stop (): void {
    this.#eventLoopDelay?.stop()
  }

  /**
   * What is watched, nothing of what is not
   */
  stat (): Pick<NodeStat, 'processMemory' | 'eventLoopDelay'> {
    return {
      ...(this.#processMemory == null ? {} : { processMemory: this.#processMemory.stat() }),
      ...(this.#eventLoopDelay == null ? {} : { eventLoopDelay: this.#eventLoopDelay.stat() })
    }
  }
}
