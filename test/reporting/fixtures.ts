import { createManager } from '../scopes/fixtures.ts'
import type { ResourceManager, ResourceManagerInit, TraceEvent, TraceReporter } from '../../src/index.ts'
import type { PartialLimitConfig } from '../../src/limits/limit-config.ts'

/**
 * Remembers what it is told
 */
export class Recorder implements TraceReporter {
  readonly events: TraceEvent[] = []

  consumeEvent (event: TraceEvent): void {
    this.events.push(event)
  }
}

/**
 * A manager in which everything is unlimited that is not named, and what it tells a
 * trace reporter
 */
export function tracedManager (limits: PartialLimitConfig = {}, init: ResourceManagerInit = {}): { manager: ResourceManager, events: TraceEvent[] } {
  const recorder = new Recorder()
  const manager = createManager(limits, { ...init, trace: [recorder, ...init.trace ?? []] })

  return { manager, events: recorder.events }
}

/**
 * An event without what is 0 or not set, and without the time
 */
export function compact (event: TraceEvent): Record<string, unknown> {
  return Object.fromEntries(Object.entries(event).filter(([key, value]) => key !== 'time' && key !== 'limit' && value !== 0 && value !== undefined))
}
