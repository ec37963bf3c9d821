/**
 * How long a large piece of work may hold the event loop at a time, in ms
 */
const SLICE_DURATION = 1

/**
 * How many steps are done until the clock is read again
 */
const STEPS_PER_READING = 64

/**
 * A part of some work, after which others have the event loop
 */
export class Slice {
  /**
   * When it is over: `Infinity` for work in one piece
   */
  end = Infinity
  #steps = 0

  /**
   * Ask after each step
   *
   * @returns Whether the event loop has been held for long enough
   */
  get over (): boolean {
    return ++this.#steps % STEPS_PER_READING === 0 && performance.now() > this.end
  }
}

const ENDLESS = new Slice()

/**
 * What yields when its slice is over, and returns a result
 */
export type Steps<T> = Generator<undefined, T, undefined>

export type SlicedWork<T> = (slice: Slice) => Steps<T>

type Schedule = (fn: () => void, delay: number) => unknown

/**
 * Does all of some work in one piece
 */
export function atOnce <T> (work: SlicedWork<T>): T {
  const step = work(ENDLESS).next()

  return step.value as T
}

/**
 * Does some work in slices. Work that fits into one is done when this returns.
 *
 * @param work
 * @param done - is called with what `work` returns
 * @param schedule - `setTimeout`, or what takes its place where nobody waits for the end
 */
export function runInSlices <T> (work: SlicedWork<T>, done: (result: T) => void, schedule: Schedule): void {
  const slice = new Slice()
  const steps = work(slice)
  const go = (): void => {
    slice.end = performance.now() + SLICE_DURATION

    const step = steps.next()

    if (step.done === true) {
      done(step.value)
    } else {
      schedule(go, 0)
    }
  }

  go()
}

/**
 * The same for a caller that waits, and may hold the event loop itself before and after. So the
 * work begins in a turn of its own, and if it took more than one slice, it ends in one too.
 *
 * @param work
 * @param onSlice - is told how long each has held the event loop, in ms
 */
export async function inSlices <T> (work: SlicedWork<T>, onSlice?: (duration: number) => void): Promise<T> {
  const slice = new Slice()
  const steps = work(slice)

  for (let slices = 1; ; slices++) {
    await nextTurn()

    const start = performance.now()

    slice.end = start + SLICE_DURATION

    const step = steps.next()

    onSlice?.(performance.now() - start)

    if (step.done === true) {
      if (slices > 1) {
        await nextTurn()
      }

      return step.value
    }
  }
}

/**
 * The same, but it begins at once, and throws the errors of the first slice
 */
export function startInSlices <T> (work: SlicedWork<T>): Promise<T> {
  const { promise, resolve } = Promise.withResolvers<T>()

  runInSlices(work, resolve, setTimeout)

  return promise
}

async function nextTurn (): Promise<void> {
  await new Promise<void>(resolve => { setTimeout(resolve, 0) })
}
