import { printable } from './printable.ts'
import type { Logger } from '@libp2p/interface'

/**
 * How often warnings are logged at most, in ms
 */
const INTERVAL = 10_000

/**
 * Logs warnings without ever flooding the log: the first one at once, and after each interval
 * only how many more there were
 */
export class WarningLog {
  readonly #log: Logger
  readonly #now: () => number
  #quietUntil = -Infinity
  #suppressed = 0

  constructor (log: Logger, now: () => number = Date.now) {
    this.#log = log
    this.#now = now
  }

  warn (message: string): void {
    const now = this.#now()

    if (now < this.#quietUntil) {
      this.#suppressed++
      return
    }

    const suffix = this.#suppressed === 0 ? '' : ` (and ${this.#suppressed} more warnings before it)`

    this.#quietUntil = now + INTERVAL
    this.#suppressed = 0
    this.#log.error('%s%s', printable(message), suffix)
  }
}
