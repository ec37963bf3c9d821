/**
 * Answers how many milliseconds ago it was started. Starting at 0 keeps fractions
 * of a millisecond exact, which are lost in milliseconds since 1970.
 *
 * @param now - the time in milliseconds since any point in time, which must not
 * go back
 */
export function startClock (now: () => number = monotonicNow): () => number {
  const start = now()

  return () => now() - start
}

// the time of day would be set back and forth
function monotonicNow (): number {
  return performance.now()
}
