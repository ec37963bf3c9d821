import { printable } from '../printable.ts'

/**
 * What a warning is about. `node --disable-warning=CODE` silences all of one code in the
 * process.
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
 * How many warnings are remembered. More different ones are not given in an interval.
 */
const MAX_SUBJECTS = 64

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
 * warning at most once in ten minutes, and of different ones only so many
 */
export class ProcessWarnings {
  readonly #enabled: boolean
  readonly #now: () => number

  /**
   * When each was given, oldest first
   */
  readonly #given = new Map<string, number>()

  constructor ({ enabled = true, now = Date.now }: ProcessWarningsInit = {}) {
    this.#enabled = enabled
    this.#now = now
  }

  /**
   * Whether a warning would be given, for callers to whom its text costs something
   */
  wants (code: WarningCode, subject: string = ''): boolean {
    if (!this.#enabled) {
      return false
    }

    this.#forget()

    return !this.#given.has(`${code} ${subject}`) && this.#given.size < MAX_SUBJECTS
  }

  /**
   * @param code
   * @param message
   * @param subject - what tells it from others with this code. Of one subject there is one
   * in ten minutes.
   */
  warn (code: WarningCode, message: string, subject: string = ''): void {
    if (this.wants(code, subject)) {
      this.#given.set(`${code} ${subject}`, this.#now())
      emitProcessWarning(printable(message), code)
    }
  }

  #forget (): void {
    const before = this.#now() - WARNING_INTERVAL

    for (const [key, time] of this.#given) {
      if (time > before) {
        return
      }

      this.#given.delete(key)
    }
  }
}
