import { availableResources } from './available-resources.ts'
import { formatMemorySize } from './memory-size.ts'
import type { NoteListener } from '../util/problems.ts'

/**
 * What the first files of go-libp2p (0.18) had in place of a number for the memory: a part of
 * what is free, between two numbers
 */
const DYNAMIC_KEYS = ['Dynamic', 'MinMemory', 'MaxMemory', 'MemoryFraction']

export function isDynamic (limits: Record<string, unknown>): boolean {
  return DYNAMIC_KEYS.some(key => Object.hasOwn(limits, key))
}

/**
 * The same limits with the memory that they come to on this machine. Where something in
 * them is no number, it is left in and found later.
 */
export function dynamicMemory (limits: Record<string, unknown>, path: string, note: NoteListener): Record<string, unknown> {
  const { Dynamic: dynamic, MinMemory: min = 0, MaxMemory: max = Infinity, MemoryFraction: fraction, ...others } = limits

  if (dynamic === false) {
    return others
  }

  if (!isAmount(min) || !isAmount(max) || !isAmount(fraction) || fraction > 1) {
    return limits
  }

  const memory = Math.floor(Math.min(max, Math.max(min, fraction * availableResources().memory)))

  note(`${path} has a dynamic limit of memory, which is read as ${formatMemorySize(memory)}: that part of the memory of this process, and it does not change`)

  return { ...others, Memory: memory }
}

function isAmount (value: unknown): value is number {
  return typeof value === 'number' && value >= 0
}
