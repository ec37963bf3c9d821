/**
 * A timer that does not keep the process alive
 *
 * @param run
 * @param delay - in ms
 */
export function setBackgroundTimer (run: () => void, delay: number): ReturnType<typeof setTimeout> {
  const timer = setTimeout(run, delay)

  // a browser answers with a number
  if (typeof timer === 'object') {
    timer.unref()
  }

  return timer
}
