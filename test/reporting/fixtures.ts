import sinon from 'sinon'
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

export interface RecordedWarnings {
  readonly warnings: Array<{ code: string, message: string }>
  restore(): void
}

/**
 * Keeps the warnings of this package from being printed, and remembers them: of the process
 * in Node.js, in the console of a page
 */
export function recordWarnings (): RecordedWarnings {
  const warnings: RecordedWarnings['warnings'] = []
  const stub = typeof globalThis.process?.emitWarning === 'function'
    ? sinon.stub(process, 'emitWarning').callsFake((message, options: any) => {
      warnings.push({ code: options.code, message: String(message) })
    })
    : sinon.stub(console, 'warn').callsFake((text) => {
      const [, code, message] = /^\[(\w+)\] ResourceManagerWarning: (.*)$/s.exec(String(text)) ?? []

      warnings.push({ code, message })
    })

  return { warnings, restore: () => { stub.restore() } }
}
