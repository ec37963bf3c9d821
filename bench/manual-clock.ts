/**
 * To be imported before anything else where work is counted: from then on the clocks and
 * timers of the process are these, and time passes only when `passTime` says so. What is
 * done because time has passed is then done after the same operations, on a machine that
 * is fast or slow, busy or idle.
 *
 * It is less than a library would be, because what it takes is counted too.
 */

/** When the process begins, in ms since 1970 */
const EPOCH = 1_767_225_600_000

/** What the monotonic clock says then, in ms. It has fractions, as the real one. */
const START = 1_000.5

/** How long an operation takes, in ms */
const DURATION = 0.2

/** In a typed array a number is changed without allocating another one */
const time = new Float64Array([START])

class ManualTimer {
  readonly run: () => void
  readonly interval?: number
  due: number

  constructor (run: () => void, delay: number, repeats: boolean) {
    this.run = run
    this.interval = repeats ? delay : undefined
    this.due = time[0] + delay
  }

  ref (): this {
    return this
  }

  unref (): this {
    return this
  }

  hasRef (): boolean {
    return false
  }
}

/** Those that wait, the one that is due first at the end */
const waiting: ManualTimer[] = []

function start (timer: ManualTimer): ManualTimer {
  let i = waiting.length

  // those that are due at the same time run in the order in which they were set
  while (i > 0 && waiting[i - 1].due <= timer.due) {
    i--
  }

  waiting.splice(i, 0, timer)

  return timer
}

function create (run: (...args: any[]) => void, delay: number | undefined, repeats: boolean, args: unknown[]): ManualTimer {
  // as in Node.js: at least 1, and no more than a timer can wait
  const ms = delay != null && delay >= 1 && delay < 2 ** 31 ? delay : 1

  return start(new ManualTimer(args.length === 0 ? run : () => { run(...args) }, ms, repeats))
}

function clear (timer: unknown): void {
  const i = waiting.indexOf(timer as ManualTimer)

  if (i !== -1) {
    waiting.splice(i, 1)
  }
}

/**
 * Lets as much time pass as some operations take, and runs the timers that are due
 */
export function passTime (operations: number): void {
  const until = time[0] + operations * DURATION

  while (waiting.length > 0 && waiting[waiting.length - 1].due <= until) {
    const timer = waiting.pop() as ManualTimer

    time[0] = Math.max(time[0], timer.due)

    if (timer.interval != null) {
      timer.due = time[0] + timer.interval
      start(timer)
    }

    timer.run()
  }

  time[0] = until
}

function define (object: object, properties: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(properties)) {
    Object.defineProperty(object, name, { value, configurable: true, writable: true })
  }
}

define(Date, { now: () => Math.floor(EPOCH + time[0]) })
define(performance, { now: () => time[0] })
define(globalThis, {
  setTimeout: (run: () => void, delay?: number, ...args: unknown[]) => create(run, delay, false, args),
  setInterval: (run: () => void, delay?: number, ...args: unknown[]) => create(run, delay, true, args),
  clearTimeout: clear,
  clearInterval: clear
})
