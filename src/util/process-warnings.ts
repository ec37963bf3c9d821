import { Intervals } from './intervals.ts'
import { printable } from './printable.ts'

/**
 * What a warning is about. `node --disable-warning=CODE` silences all warnings with a code.
 *
 * - `RESOURCE_MANAGER_LIMITS`: limits that contradict each other, or others of the node
 * - `RESOURCE_MANAGER_REFUSAL`: the first refusal of its kind
 * - `RESOURCE_MANAGER_DIAGNOSIS`: what refusals usually mean that look like these
 * - `RESOURCE_MANAGER_BAN`: somebody was banned
 * - `RESOURCE_MANAGER_FILE`: a file with limits cannot be used
 */
export type WarningCode =
  'RESOURCE_MANAGER_LIMITS' |
  'RESOURCE_MANAGER_REFUSAL' |
  'RESOURCE_MANAGER_DIAGNOSIS' |
  'RESOURCE_MANAGER_BAN' |
  'RESOURCE_MANAGER_FILE'

const TYPE = 'ResourceManagerWarning'

/**
 * For how long the same warning is not repeated, in ms
 */
export const WARNING_INTERVAL = 600_000

/**
 * Warns whoever runs the process: Node.js prints such a warning unless it is told not to,
 * and a page has it in its console
 */
export function emitProcessWarning (message: string, code: WarningCode): void {
  const { process } = globalThis as { process?: Partial<NodeJS.Process> }

  if (typeof process?.emitWarning === 'function') {
    process.emitWarning(message, { type: TYPE, code })
  } else {
    // eslint-disable-next-line no-console
    console.warn(`[${code}] ${TYPE}: ${message}`)
  }
}

export interface ProcessWarningsInit {
  /**
   * @default true
   */
  enabled?: boolean

  /**
   * The time in ms
   *
   * @default Date.now
   */
  now?(): number
}

/**
 * Warns whoever runs the process without flooding the output, whatever remote peers do: each
 * warning at most once in ten minutes, and a bounded number of different ones
 */
export class ProcessWarnings {
  readonly #enabled: boolean
  readonly #intervals: Intervals

  constructor ({ enabled = true, now }: ProcessWarningsInit = {}) {
    this.#enabled = enabled
    this.#intervals = new Intervals(WARNING_INTERVAL, now)
  }

  /**
   * Whether a warning would be given, for callers to whom its text costs something
   */
  wants (code: WarningCode, subject: string = ''): boolean {
    return this.#enabled && this.#intervals.isDue(`${code} ${subject}`)
  }

  /**
   * @param code
   * @param message
   * @param subject - what distinguishes it from others with this code. Each subject has one
   * warning in ten minutes.
   */
  warn (code: WarningCode, message: string, subject: string = ''): void {
    if (this.#enabled && this.#intervals.pass(`${code} ${subject}`)) {
      emitProcessWarning(printable(message), code)
    }
  }
}
