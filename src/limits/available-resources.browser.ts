import type { AvailableResources } from './available-resources.ts'

const GiB = 2 ** 30

/**
 * Assumed where the browser does not tell: Firefox and Safari never do, Chromium
 * does in secure contexts only. This is a small phone, so limits are too low
 * rather than too high.
 */
const FALLBACK_MEMORY = 2 * GiB

/**
 * What `navigator.deviceMemory` says, in bytes, and `undefined` where it says nothing. It is
 * in GiB, rounded to a power of two, and at most 8 in most browsers.
 */
export function readMemory (): number | undefined {
  const deviceMemory: unknown = (globalThis.navigator as any)?.deviceMemory

  return typeof deviceMemory === 'number' && deviceMemory > 0 ? deviceMemory * GiB : undefined
}

/**
 * What this page or worker may use. Sockets of a browser use no file descriptors that
 * could be counted.
 */
export function availableResources (): AvailableResources {
  return { memory: readMemory() ?? FALLBACK_MEMORY, fds: 0 }
}
