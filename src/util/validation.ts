import { InvalidParametersError } from '@libp2p/interface'
import { describe } from './describe-value.ts'

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
