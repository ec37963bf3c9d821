import { invalid } from '../util/validation.ts'

/** In ms */
const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * A number of milliseconds, or a number with a unit: `'500ms'`, `'30s'`, `'5m'`, `'1h'`, `'7d'`
 */
export type Duration = number | string

/**
 * @param field - for the error
 * @param value
 * @param max - in ms
 * @throws {InvalidParametersError} if it is none, or is not above 0 and up to `max`
 */
export function parseDuration (field: string, value: Duration, max: number): number {
  const [, amount, unit] = (typeof value === 'string' ? /^(\d+(?:\.\d+)?) ?(ms|s|m|h|d)$/.exec(value) : undefined) ?? []
  const duration = amount === undefined ? value : Math.round(Number(amount) * UNITS[unit])

  if (typeof duration !== 'number' || !Number.isSafeInteger(duration) || duration < 1 || duration > max) {
    throw invalid(field, `a whole number of milliseconds from 1 to ${max}, or such as "30s", "5m", "1h" or "7d"`, value)
  }

  return duration
}
