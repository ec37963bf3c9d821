/**
 * Answers how many milliseconds ago it was started. Starting at 0 keeps fractions
 * of a millisecond exact, which are lost in milliseconds since 1970.
 *
 * @param now - the time in milliseconds since any point in time, which must not
 * go back
 */
export function startClock (now: () => number = monotonicClock()): () => number {
  const start = now()

  return () => now() - start
}

/**
 * Answers the time of day in whole milliseconds since 1970 as it was when this was started, and as
 * long as that is ago added to it: it goes on whatever somebody sets the clock to
 */
export function startTimeOfDay (): () => number {
  const start = Date.now()
  const clock = startClock()

  return () => start + Math.floor(clock())
}

/**
 * The time of day would be set back and forth
 */
function monotonicClock (): () => number {
  // in Node.js the global is a getter, which takes as long as reading the clock
  const { performance } = globalThis

  return () => performance.now()
}

/**
 * Stays a small integer, which V8 stores without an allocation. After a thousand million
 * messages it starts again, and a few streams seem older than they are.
 */
const MASK = 2 ** 30 - 1

let latest = 0

/**
 * A number that is higher than all before: the lowest one has been idle for longest. It needs
 * no clock, because every message gets one.
 */
export function nextActivity (): number {
  latest = (latest + 1) & MASK

  return latest
}
