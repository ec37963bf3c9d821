/**
 * Stays a small integer, which V8 stores without allocating anything. After a thousand
 * million messages it starts again, and a few streams look older than they are.
 */
const MASK = 2 ** 30 - 1

let latest = 0

/**
 * A number that is higher than all before: what has the lowest has been idle for longest.
 * No clock is read for it, because every message gets one.
 */
export function nextActivity (): number {
  latest = (latest + 1) & MASK

  return latest
}
