import type { AvailableResources } from './available-resources.ts'

const GiB = 2 ** 30

/**
 * Assumed if the browser does not tell: Firefox and Safari never do, Chromium does in secure
 * contexts only. It is the memory of a small phone, so limits are too low rather than too high.
 */
const FALLBACK_MEMORY = 2 * GiB

/**
 * The value of `navigator.deviceMemory` in bytes, `undefined` if there is none. Browsers give
 * it in GiB, rounded to a power of two, and mostly at most 8.
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
