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
 * The time of day would be set back and forth
 */
function monotonicClock (): () => number {
  // in Node.js the global is a getter, which takes as long as reading the clock
  const { performance } = globalThis

  return () => performance.now()
}
