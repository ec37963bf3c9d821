import { invalid } from '../util/validation.ts'

/**
 * An amount of memory: a number of bytes, a number with a unit such as
 * `'512MiB'`, `'1.5GB'` or `'64 KiB'`, or a percentage of the memory that the
 * process may use such as `'25%'`. `KB`, `MB`, `GB` and `TB` are powers of 1000,
 * `KiB`, `MiB`, `GiB` and `TiB` powers of 1024.
 */
export type MemorySize = number | string

/**
 * Bytes of each unit, in lower case: `mib` cannot be mistaken for anything else
 */
const UNITS: Record<string, number> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40
}

const SIZE = /^(\d+(?:\.\d+)?)\s*([a-z]+|%)$/i

/**
 * How else bytes can be written, for messages
 */
export const SIZE_TEXT = 'a size such as "512MiB" or "1.5GB", a percentage such as "25%"'

/**
 * The whole number of bytes that a text stands for, or `NaN`
 *
 * @param text - what was given
 * @param available - gives the bytes that 100% stands for
 */
export function readMemorySize (text: string, available: () => number): number {
  return Math.floor(toBytes(text, available))
}

function toBytes (text: string, available: () => number): number {
  const [, digits, unit] = SIZE.exec(text.trim()) ?? []

  if (unit === '%') {
    return Number(digits) <= 100 ? Number(digits) / 100 * available() : NaN
  }

  return Number(digits) * (UNITS[unit?.toLowerCase()] ?? NaN)
}

/**
 * Reads an amount of memory
 *
 * @param size - what was given
 * @param path - the name of the option, for the message
 * @param available - gives the bytes that 100% stands for
 * @param min - the least number of bytes
 * @returns a whole number of bytes
 * @throws {InvalidParametersError} if it is no amount of memory, less than `min`,
 * or more than 2^53-1 bytes
 */
export function parseMemorySize (size: MemorySize, path: string, available: () => number, min: number = 1): number {
  const bytes = typeof size === 'string' ? readMemorySize(size, available) : size

  if (!Number.isSafeInteger(bytes) || bytes < min) {
    throw invalid(path, `a number of bytes, ${SIZE_TEXT}`, size)
  }

  return bytes
}

/**
 * Writes an amount of memory for people, such as `1.5 GiB`
 */
export function formatMemorySize (bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0

  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }

  // a rounded number may not look like an exact one
  return `${Number.isInteger(value) ? value : value.toFixed(2)} ${units[unit]}`
}
