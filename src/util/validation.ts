import { InvalidParametersError } from '@libp2p/interface'

/**
 * The error for a field of the configuration, or an argument, that is not what it should be
 */
export function invalid (field: string, expected: string, value: unknown): InvalidParametersError {
  return new InvalidParametersError(`${field}: expected ${expected}, got ${describe(value)}`)
}

/**
 * Throws `InvalidParametersError` unless the value is a whole number in a range
 */
export function checkWholeNumber (field: string, value: number, min: number, max: number): void {
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw invalid(field, `a whole number from ${min} to ${max}`, value)
  }
}

/**
 * Throws `InvalidParametersError` unless the value is a list or left out
 */
export function checkList (field: string, value: unknown): void {
  if (value !== undefined && !Array.isArray(value)) {
    throw invalid(field, 'a list', value)
  }
}

/**
 * Throws `InvalidParametersError` unless the value is an object
 */
export function checkObject (field: string, value: unknown): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(field, 'an object', value)
  }
}

/**
 * True for objects with keys, which arrays, maps and dates are not
 */
export function isRecord (value: unknown): value is Record<string, unknown> {
  return Object.prototype.toString.call(value) === '[object Object]'
}

/**
 * Longer values are cut in messages: a log should not repeat a whole file that was pasted into
 * a field
 */
const MAX_QUOTED_LENGTH = 64

/**
 * How a value is quoted in a message
 */
export function describe (value: unknown): string {
  if (value === null) {
    return 'null'
  }

  switch (typeof value) {
    case 'string': {
      const quoted = JSON.stringify(value)

      return quoted.length > MAX_QUOTED_LENGTH ? `${quoted.slice(0, MAX_QUOTED_LENGTH)}…"` : quoted
    }
    case 'object': {
      const tag = Object.prototype.toString.call(value).slice('[object '.length, -1)

      return tag === 'Object' || tag === 'Array' ? `an ${tag.toLowerCase()}` : `a ${tag}`
    }
    case 'function':
      return 'a function'
    default:
      return String(value)
  }
}
