import { invalid } from '../util/validation.ts'
import type { TraceEvent, TraceReporter } from './trace-event.ts'
import type { IdleScopes } from '../scopes/idle-scopes.ts'

export interface TraceReportersInit {
  reporters: TraceReporter[]

  /**
   * Must collect nothing while reporters run: they are called in the middle of changes
   */
  idle: Pick<IdleScopes, 'held'>

  /**
   * A reporter has failed and is not told anything any more
   */
  onError(err: unknown): void

  /**
   * There are no reporters any more
   */
  onEmpty(): void
}

/**
 * Those who are told what is traced. One that fails affects neither the others nor the graph.
 */
export class TraceReporters {
  readonly #init: TraceReportersInit
  readonly #reporters: TraceReporter[]

  constructor (init: TraceReportersInit) {
    this.#init = init
    this.#reporters = [...init.reporters]
  }

  /**
   * How many have not failed
   */
  get size (): number {
    return this.#reporters.length
  }

  tell (event: TraceEvent): void {
    const { idle } = this.#init

    for (let i = 0; i < this.#reporters.length; i++) {
      const reporter = this.#reporters[i]

      idle.held++

      try {
        reporter.consumeEvent(event)
      } catch (err) {
        this.#detach(reporter, err)
        i--
      } finally {
        idle.held--
      }
    }
  }

  async stop (): Promise<void> {
    await Promise.all(this.#reporters.map(async reporter => {
      try {
        await reporter.stop?.()
      } catch (err) {
        this.#detach(reporter, err)
      }
    }))
  }

  #detach (reporter: TraceReporter, err: unknown): void {
    const at = this.#reporters.indexOf(reporter)

    // it may have failed in an event that was caused by its handling of another
    if (at === -1) {
      return
    }

    this.#reporters.splice(at, 1)
    this.#init.onError(err)

    if (this.#reporters.length === 0) {
      this.#init.onEmpty()
    }
  }
}

/**
 * @throws {InvalidParametersError} naming what is not a trace reporter
 */
export function checkReporters (reporters: TraceReporter[]): void {
  if (!Array.isArray(reporters)) {
    throw invalid('trace', 'a list of trace reporters', reporters)
  }

  reporters.forEach((reporter, i) => {
    if (typeof reporter?.consumeEvent !== 'function') {
      throw invalid(`trace[${i}]`, 'a trace reporter', reporter)
    }
  })
}
