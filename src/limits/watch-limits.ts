import { stat } from 'node:fs/promises'
import { ANY, checkDescribed } from '../util/description.ts'
import { ProcessWarnings } from '../util/process-warnings.ts'
import { setBackgroundTimer } from '../util/timers.ts'
import { invalid } from '../util/validation.ts'
import { loadLimits } from './load-limits.ts'
import type { PartialLimitConfig } from './limit-config.ts'
import type { Logger } from '@libp2p/interface'

/**
 * How often the file is checked, in ms. It costs one `stat` a second.
 */
const INTERVAL = 1000

/**
 * Options of `watchLimits`
 */
export interface WatchLimitsOptions {
  /**
   * Where the error of a bad file is logged. Without it, there is a warning of the process with
   * the code `RESOURCE_MANAGER_FILE`, the same one at most once in ten minutes.
   *
   * @default undefined
   */
  log?: Pick<Logger, 'error'>

  /**
   * How often the file is checked, in ms. It is read when it has changed and
   * then stayed the same for this long, so a change takes one to two intervals.
   *
   * @default 1000
   */
  interval?: number
}

const OPTIONS = { log: ANY, interval: ANY } as const satisfies { [K in keyof Required<WatchLimitsOptions>]: typeof ANY }

/**
 * A file that is being watched. It does not keep the process alive.
 */
export interface LimitsWatcher extends Disposable {
  /**
   * Stops watching. Nothing is delivered after this, not even limits that are
   * being read. Calling it twice does nothing.
   */
  stop(): void
}

/**
 * Differs when a file was written, replaced, or removed
 */
async function versionOf (path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true })

    return [dev, ino, size, mtimeNs, ctimeNs].join()
  } catch (err: any) {
    return String(err.code)
  }
}

/**
 * Checks the file again and again instead of waiting to be told: that sees
 * files replaced by a rename, links that are switched to another target, and
 * files on network file systems and mounted volumes
 */
class FileWatcher implements LimitsWatcher {
  readonly #path: string
  readonly #onLimits: (limits: PartialLimitConfig) => void | Promise<void>
  readonly #log?: Pick<Logger, 'error'>
  readonly #interval: number
  readonly #warnings = new ProcessWarnings()
  #timer?: ReturnType<typeof setTimeout>
  #stopped = false

  /** What was there at the last check */
  #seen?: string

  /** What was there when the file was read */
  #read?: string

  constructor (path: string, onLimits: (limits: PartialLimitConfig) => void | Promise<void>, options: WatchLimitsOptions) {
    this.#path = path
    this.#onLimits = onLimits
    this.#log = options.log
    this.#interval = options.interval ?? INTERVAL

    void this.#check()
  }

  stop (): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  [Symbol.dispose] (): void {
    this.stop()
  }

  async #check (): Promise<void> {
    const version = await versionOf(this.#path)

    // a file that has just changed may still be being written
    const settled = this.#seen === undefined || this.#seen === version
    this.#seen = version

    if (settled && this.#read !== version) {
      this.#read = version
      await this.#load()
    }

    if (!this.#stopped) {
      // the next check is only planned now, so that there are never two
      this.#timer = setBackgroundTimer(() => { void this.#check() }, this.#interval)
    }
  }

  async #load (): Promise<void> {
    try {
      const limits = await loadLimits(this.#path, { onNote: (note) => { this.#note(note) } })

      if (!this.#stopped) {
        await this.#onLimits(limits)
      }
    } catch (err: any) {
      if (!this.#stopped) {
        this.#report(String(err?.message ?? err))
      }
    }
  }

  #note (note: string): void {
    if (this.#log != null) {
      this.#log.error('%s', note)
    } else {
      this.#warnings.warn('RESOURCE_MANAGER_FILE', note, note)
    }
  }

  #report (reason: string): void {
    if (this.#log != null) {
      this.#log.error('the limits stay as they are: %s', reason)
    } else {
      this.#warnings.warn('RESOURCE_MANAGER_FILE', `the limits stay as they are: ${reason}`, reason)
    }
  }
}

/**
 * Reads limits from a file, now and whenever it changes:
 *
 * ```TypeScript
 * import { createResourceManager } from 'libp2p-resource-manager'
 * import { watchLimits } from 'libp2p-resource-manager/node'
 *
 * const manager = createResourceManager()
 * const watcher = watchLimits('limits.json', (limits) => { manager.setLimits(limits) })
 *
 * // later
 * watcher.stop()
 * ```
 *
 * The limits in the file are on top of those that the manager was made with. If these are
 * from the same file, say `{ replace: true }`, or what is taken out of the file stays.
 *
 * If the file is missing or bad, or if `onLimits` throws, one error is logged and
 * the limits stay as they are.
 *
 * @param path - ends in `.json` or `.toml`, as for `loadLimits`
 * @param onLimits - called with the limits in the file
 * @throws {InvalidParametersError} if `path` is not a string, `onLimits` not a
 * function or the interval not a positive number
 */
export function watchLimits (path: string, onLimits: (limits: PartialLimitConfig) => void | Promise<void>, options: WatchLimitsOptions = {}): LimitsWatcher {
  checkDescribed('options', options, OPTIONS)

  const { interval = INTERVAL } = options

  if (typeof path !== 'string' || path === '') {
    throw invalid('path', 'the name of a file', path)
  }

  if (typeof onLimits !== 'function') {
    throw invalid('onLimits', 'a function', onLimits)
  }

  if (!Number.isSafeInteger(interval) || interval < 1) {
    throw invalid('interval', 'a whole number of ms, at least 1', interval)
  }

  return new FileWatcher(path, onLimits, options)
}
