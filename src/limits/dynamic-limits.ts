import { join } from '../util/problems.ts'
import { availableResources } from './available-resources.ts'
import { formatMemorySize } from './memory-size.ts'
import type { NoteListener, Problems } from '../util/problems.ts'

/**
 * What the first files of go-libp2p (0.18) had in place of a number for the memory: a part of
 * what is free, between two numbers
 */
const DYNAMIC_KEYS = ['Dynamic', 'MinMemory', 'MaxMemory', 'MemoryFraction']

export function isDynamic (limits: Record<string, unknown>): boolean {
  return DYNAMIC_KEYS.some(key => Object.hasOwn(limits, key))
}

/**
 * The same limits with the memory that they come to on this machine. As in go-libp2p, a
 * `Memory` counts before what is dynamic, and 0 is as if nothing were set.
 */
export function dynamicMemory (limits: Record<string, unknown>, path: string, problems: Problems, note: NoteListener): Record<string, unknown> {
  const { Dynamic: _, MinMemory: min, MaxMemory: max, MemoryFraction: fraction, Memory: fixed, ...others } = limits
  const isComputed = [min, max, fraction].some(isSet)

  if (isSet(fixed)) {
    if (isComputed) {
      note(`${path} has a fixed limit of memory, which counts: what is beside it for a dynamic one is not read`)
    }

    return { ...others, Memory: fixed }
  }

  if (!isComputed) {
    return others
  }

  for (const [key, value, most] of [['MinMemory', min, Infinity], ['MaxMemory', max, Infinity], ['MemoryFraction', fraction, 1]] as const) {
    // there is a default for each kind of scope, which nobody has any more
    if (key === 'MemoryFraction' || isSet(value)) {
      checkAmount(value, most, join(path, key), problems)
    }
  }

  const part = Number(fraction) * availableResources().memory
  const memory = Math.floor(Math.min(isSet(max) ? Number(max) : Infinity, Math.max(isSet(min) ? Number(min) : 0, part)))

  if (Number.isNaN(memory)) {
    return others
  }

  note(`${path} has a dynamic limit of memory, which is read as ${formatMemorySize(memory)}: that part of the memory of this process, and it does not change`)

  return { ...others, Memory: memory }
}

function isSet (value: unknown): boolean {
  return value != null && value !== 0
}

function checkAmount (value: unknown, most: number, path: string, problems: Problems): void {
  if (typeof value !== 'number' || !(value >= 0 && value <= most)) {
    problems.add(path, most === Infinity ? 'a number of bytes' : `a number from 0 to ${most}`, value)
  }
}
