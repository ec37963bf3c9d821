import { availableResources } from './available-resources.ts'
import { formatMemorySize, readMemorySize } from './memory-size.ts'
import type { AvailableResources } from './available-resources.ts'
import type { LimitKnobs } from './derive-limits.ts'
import type { PartialLimitConfig } from './limit-config.ts'
import type { MemorySize } from './memory-size.ts'

/**
 * Settings that may be more than the machine has
 */
export interface CheckedKnobs extends LimitKnobs {
  /**
   * Left out where they are not a partial configuration, which sets nothing by itself
   */
  limits?: PartialLimitConfig

  processMemory?: { max: MemorySize }
}

/**
 * Finds settings that are more than the machine has. The operating system would run out of
 * memory or file descriptors before such a limit is reached.
 *
 * @param knobs - what was set: there are no warnings about defaults
 * @param resources - what the process may use. Where files play no part, as in browsers, the
 * memory is not known either, and nothing is found.
 * @returns one warning for each
 */
export function checkKnobs (knobs: CheckedKnobs, resources: AvailableResources = availableResources()): string[] {
  const { memory, fds } = resources
  const { limits, maxConnections, maxMemory, processMemory } = knobs
  const warnings: string[] = []

  if (fds === 0) {
    return warnings
  }

  for (const [setting, size] of [['maxMemory', maxMemory], ['processMemory.max', processMemory?.max], ['system.memory', limits?.system?.memory]] as const) {
    const bytes = bytesOf(size, memory)

    if (bytes > memory) {
      warnings.push(`${setting} (${formatMemorySize(bytes)}) is more than this process may use (${formatMemorySize(memory)}): it runs out of memory before anything is refused`)
    }
  }

  if (maxConnections !== undefined && maxConnections > fds) {
    warnings.push(`maxConnections (${maxConnections}) is above the number of files that this process may have open (${fds}), and a connection over TCP or WebSockets needs one: raise the limit of open files`)
  }

  const fd = limits?.system?.fd

  if (typeof fd === 'number' && fd !== Infinity && fd > fds) {
    warnings.push(`system.fd (${fd}) is above the number of files that this process may have open (${fds}): raise the limit of open files`)
  }

  return warnings
}

/**
 * 0 for what is no number of bytes, such as `'unlimited'`
 */
function bytesOf (size: MemorySize | undefined, available: number): number {
  const bytes = typeof size === 'string' ? readMemorySize(size, () => available) : size

  return bytes !== undefined && Number.isFinite(bytes) ? bytes : 0
}
